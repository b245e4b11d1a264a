import CRabbitMQ
import Glibc

extension Session {
  /// Where Linux distributions keep the certificates of the public authorities.
  private static let systemCAFiles = [
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
  ]
  /// Of an authority of one's own: the variable that OpenSSL's own programs go by.
  private static var namedCAFile: String? { getenv("SSL_CERT_FILE").map { String(cString: $0) } }
  /// What the library will read, whatever was agreed on: see `ConnectionOptions.frameMaxBytes`.
  private static let readableFrameBytes: Int32 = 1_048_576

  /// Connects to the first of these that takes us, and says which. Blocks the connection's thread, within the time-outs.
  func login(_ uris: [BrokerURI]) throws(AMQPError) -> BrokerURI {
    guard !uris.isEmpty else { throw AMQPError(.invalidArgument, "no broker address was given") }
    isClosing = false
    var failures: [AMQPError] = []
    for uri in uris {
      do {
        try checkShutDown()
        try login(uri)
        return uri
      } catch {
        try checkShutDown()
        failures.append(
          AMQPError(error.code, "\(uri): \(error.message)", cause: error.cause, scope: .connection))
      }
    }
    guard failures.count > 1 else { throw failures[0] }
    // A wrong password says more than a host that is down.
    let code = failures.map(\.code).first { $0 != .connectFailed } ?? .connectFailed
    let list = failures.map { $0.message + ($0.cause.map { " (\($0))" } ?? "") }.joined(separator: "; ")
    throw AMQPError(code, "none of \(failures.count) brokers took us: \(list)", scope: .connection)
  }

  private func checkShutDown() throws(AMQPError) {
    guard socket.shutDownRequested else { return }
    throw AMQPError(.closedByUs, "the connection was closed while it was being opened", scope: .connection)
  }

  private func login(_ uri: BrokerURI) throws(AMQPError) {
    guard let handle = amqp_new_connection() else { throw Self.outOfMemory }
    var isKept = false
    defer {
      if !isKept {
        socket.detach()
        amqp_destroy_connection(handle)
      }
    }
    try connect(handle, uri)
    let descriptor = amqp_get_sockfd(handle)
    try logIn(handle, uri)
    try agree(handle)

    isKept = true
    self.handle = handle
    self.descriptor = descriptor
    usesTLS = uri.usesTLS
    output.removeAll()
    isBlocked = false
    // The library may have read more than the last answer.
    isUndrained = true
    isReadingPaused = false
    lastReceived = .now
    lastSent = .now
    serverProperties = PropertiesDecoder.table(amqp_get_server_properties(handle).pointee)
  }

  private static var outOfMemory: AMQPError { AMQPError(.brokerTrouble, "out of memory", scope: .connection) }

  private func connect(_ handle: amqp_connection_state_t, _ uri: BrokerURI) throws(AMQPError) {
    guard uri.usesTLS else {
      guard let plain = amqp_tcp_socket_new(handle) else { throw Self.outOfMemory }
      let connector = TCPConnector(socket: socket, deadline: .now + options.connectTimeout)
      // The library closes it from now on.
      amqp_tcp_socket_set_sockfd(plain, try connector.connect(host: uri.host, port: uri.port))
      return
    }
    guard let tls = amqp_ssl_socket_new(handle) else {
      throw AMQPError(.tlsFailed, "TLS could not be set up", scope: .connection)
    }
    try prepareTLS(tls)
    var timeout = options.connectTimeout.timeval
    let status = amqp_socket_open_noblock(tls, uri.host, Int32(uri.port), &timeout)
    guard status == AMQP_STATUS_OK.rawValue else { throw Self.connectError(status, uri) }
    socket.attach(amqp_get_sockfd(handle))
  }

  private func prepareTLS(_ socket: OpaquePointer) throws(AMQPError) {
    let tls = options.tls
    guard let caFile = tls.caFile ?? Self.namedCAFile ?? Self.systemCAFiles.first(where: { access($0, R_OK) == 0 })
    else {
      throw AMQPError(
        .tlsFailed, "no file with certificate authorities was found; name one in the environment, as SSL_CERT_FILE",
        scope: .connection)
    }
    guard amqp_ssl_socket_set_cacert(socket, caFile) == AMQP_STATUS_OK.rawValue else {
      throw AMQPError(
        .tlsFailed, "\(caFile) is not a readable PEM file with certificate authorities", scope: .connection)
    }
    guard amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST) == AMQP_STATUS_OK.rawValue else {
      throw AMQPError(.tlsFailed, "TLS 1.2 is not supported here", scope: .connection)
    }
    amqp_ssl_socket_set_verify_peer(socket, tls.verifyPeer ? 1 : 0)
    amqp_ssl_socket_set_verify_hostname(socket, tls.verifyHostName ? 1 : 0)
  }

  private static func connectError(_ status: Int32, _ uri: BrokerURI) -> AMQPError {
    let error = AMQPError.library(status: status, doing: "connecting")
    switch status {
    case AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED.rawValue:
      return AMQPError(.connectFailed, "the host name cannot be resolved", cause: error.cause, scope: .connection)
    case AMQP_STATUS_TIMEOUT.rawValue:
      return AMQPError(.connectFailed, "nothing answered in time", cause: error.cause, scope: .connection)
    case AMQP_STATUS_SSL_PEER_VERIFY_FAILED.rawValue:
      return AMQPError(
        .tlsFailed, "the broker's certificate is not from an authority that we trust, or has expired",
        cause: error.cause, scope: .connection)
    case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED.rawValue:
      return AMQPError(
        .tlsFailed, "the broker's certificate is not for the host \(uri.host)", cause: error.cause, scope: .connection)
    case AMQP_STATUS_SSL_CONNECTION_FAILED.rawValue:
      return AMQPError(
        .tlsFailed, "the TLS handshake failed; is port \(uri.port) the broker's TLS port?", cause: error.cause,
        scope: .connection)
    default:
      let code: AMQPError.Code = error.code == .connectionClosed ? .connectFailed : error.code
      return AMQPError(
        code, "could not connect (refused, unreachable or reset)", cause: error.cause, scope: .connection)
    }
  }

  private func logIn(_ handle: amqp_connection_state_t, _ uri: BrokerURI) throws(AMQPError) {
    var timeout = options.connectTimeout.timeval
    amqp_set_handshake_timeout(handle, &timeout)
    arena.reset()
    // Without these the broker does not say that it cancelled a subscription or stopped reading.
    let properties: FieldTable = [
      "product": "Ostler",
      "connection_name": .string(options.name),
      "capabilities": .table([
        "consumer_cancel_notify": true, "connection.blocked": true, "publisher_confirms": true, "basic.nack": true,
        "authentication_failure_close": true, "exchange_exchange_bindings": true,
      ]),
    ]
    var table = arena.table(properties)
    let seconds = max(1, Int32(clamping: options.heartbeat.components.seconds))
    let reply = ostler_login_plain(
      handle, uri.virtualHost, 0, Int32(clamping: max(8192, options.frameMaxBytes)), min(seconds, 65_535), &table,
      uri.user, uri.password)
    switch reply.reply_type {
    case AMQP_RESPONSE_NORMAL: return
    case AMQP_RESPONSE_SERVER_EXCEPTION: throw Self.refusal(reply.reply)
    default:
      let error = AMQPError.library(status: reply.library_error, doing: "the login")
      switch error.code {
      case .connectionClosed:
        throw AMQPError(
          .connectFailed, "the connection was closed during the login; is it a RabbitMQ?", cause: error.cause,
          scope: .connection)
      case .timedOut:
        throw AMQPError(
          .timedOut, "the broker did not answer the login in time", cause: error.cause, scope: .connection)
      default: throw error
      }
    }
  }

  private static func refusal(_ method: amqp_method_t) -> AMQPError {
    guard method.id == AMQP_CONNECTION_CLOSE_METHOD,
      let close = method.decoded?.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
    else { return AMQPError(.protocolViolation, "the broker refused the login", scope: .connection) }
    let cause = "\(close.reply_code) \(StringCache.uncached(close.reply_text))"
    switch close.reply_code {
    case 403:
      return AMQPError(
        .authenticationFailed, "user or password are wrong", cause: cause, scope: .connection)
    case 402, 404, 530:
      return AMQPError(
        .notAllowed, "the virtual host does not exist, or the user may not use it", cause: cause, scope: .connection)
    default:
      return .broker(replyCode: close.reply_code, text: StringCache.uncached(close.reply_text), scope: .connection)
    }
  }

  /// Notes what was agreed on, then makes the library read larger frames and leave the heartbeats to us.
  private func agree(_ handle: amqp_connection_state_t) throws(AMQPError) {
    agreedFrameMaxBytes = Int(amqp_get_frame_max(handle))
    let seconds = amqp_get_heartbeat(handle)
    heartbeat = seconds > 0 ? .seconds(Int(seconds)) : nil
    let frameBytes = max(Self.readableFrameBytes, Int32(agreedFrameMaxBytes))
    let status = amqp_tune_connection(handle, amqp_get_channel_max(handle), frameBytes, 0)
    guard status == AMQP_STATUS_OK.rawValue else { throw .library(status: status, doing: "the login") }
  }
}
