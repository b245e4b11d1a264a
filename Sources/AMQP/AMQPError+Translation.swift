import CRabbitMQ

extension AMQPError {
  /// What a negative status of librabbitmq means. Any of them costs the connection.
  static func library(status: Int32, doing what: String) -> AMQPError {
    let cause = amqp_error_string2(status).map { String(cString: $0) }
    let code: Code
    switch status {
    case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED.rawValue: code = .connectFailed
    case AMQP_STATUS_CONNECTION_CLOSED.rawValue, AMQP_STATUS_SOCKET_CLOSED.rawValue,
      AMQP_STATUS_SOCKET_ERROR.rawValue, AMQP_STATUS_TCP_ERROR.rawValue:
      code = .connectionClosed
    case AMQP_STATUS_HEARTBEAT_TIMEOUT.rawValue: code = .heartbeatTimeout
    case AMQP_STATUS_TIMEOUT.rawValue: code = .timedOut
    case AMQP_STATUS_SSL_ERROR.rawValue, AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED.rawValue,
      AMQP_STATUS_SSL_PEER_VERIFY_FAILED.rawValue, AMQP_STATUS_SSL_CONNECTION_FAILED.rawValue:
      code = .tlsFailed
    default: code = .protocolViolation
    }
    return AMQPError(code, "\(what) failed", cause: cause, scope: .connection)
  }

  /// What the broker's `channel.close` or `connection.close` means (AMQP 0-9-1, section 1.4 and RabbitMQ's texts).
  static func broker(replyCode: UInt16, text: String, scope: Scope) -> AMQPError {
    let code: Code
    switch replyCode {
    case 311, 506, 541: code = .brokerTrouble
    case 403: code = .accessRefused
    case 404: code = .notFound
    case 405: code = .resourceLocked
    case 406: code = .preconditionFailed
    case 501, 502, 503, 504, 505: code = .protocolViolation
    case 530, 540: code = .notAllowed
    default: code = scope == .connection ? .connectionClosed : .channelClosed
    }
    let what = scope == .connection ? "connection" : "channel"
    return AMQPError(code, "the broker closed the \(what)", cause: "\(replyCode) \(text)", scope: scope)
  }

  /// The same error, told from the point of view of the call that it came to.
  func during(_ what: String) -> AMQPError {
    AMQPError(code, "\(what): \(message)", cause: cause, scope: scope)
  }
}
