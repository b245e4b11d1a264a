/// Why something did not work between us and the broker.
///
/// librabbitmq's status codes and AMQP's reply codes are translated into this once, at the boundary. `message` is a
/// whole sentence for a person; it never has a password in it.
package struct AMQPError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One case per fate, so that a caller can decide on it.
  package enum Code: String, Sendable, Hashable, CaseIterable {
    /// The address is not one we understand.
    case invalidURI
    /// Ours to mend: a length, a nesting, a call out of turn. Nothing was sent.
    case invalidArgument
    /// No address led to a broker that speaks AMQP 0-9-1.
    case connectFailed
    /// The TLS handshake, the certificate or its host name.
    case tlsFailed
    /// User or password are wrong (403 at login).
    case authenticationFailed
    /// 403: the user lacks the permission.
    case accessRefused
    /// 404: no such queue, exchange or virtual host.
    case notFound
    /// 405: somebody else has it exclusively.
    case resourceLocked
    /// 406: it exists with other properties; an unknown delivery tag; the consumer time-out.
    case preconditionFailed
    /// 530 and 540: the broker does not allow it, or cannot do it.
    case notAllowed
    /// 311, 506, 541: the broker ran out of something, or failed.
    case brokerTrouble
    /// The connection is gone, or was never there.
    case connectionClosed
    /// The channel is gone, or was never there.
    case channelClosed
    /// Nothing came from the broker for two heartbeats.
    case heartbeatTimeout
    /// The broker did not answer in time.
    case timedOut
    /// Broker or library broke the protocol.
    case protocolViolation
    /// We closed or aborted it.
    case closedByUs
    /// The waiting task was cancelled. Nothing else has changed.
    case cancelled
  }

  /// How much is lost with it.
  package enum Scope: Sendable, Hashable {
    /// Only the call that threw it.
    case call
    /// The channel: subscriptions and unacknowledged deliveries are gone; `openChannel()` makes a new one.
    case channel
    /// The connection: everything is gone, exclusive queues too; `open` makes a new one.
    case connection
  }

  package let code: Code
  package let message: String
  /// What broker or library said, word for word, where they said something.
  package let cause: String?
  package let scope: Scope

  package init(_ code: Code, _ message: String, cause: String? = nil, scope: Scope = .call) {
    self.code = code
    self.message = message
    self.cause = cause
    self.scope = scope
  }

  /// The connection cannot be used any more (or could not be opened).
  package var isConnectionLost: Bool { scope == .connection }

  /// The channel cannot be used any more, be it alone or with its connection.
  package var isChannelLost: Bool { scope != .call }

  package var description: String {
    guard let cause else { return "\(code.rawValue): \(message)" }
    return "\(code.rawValue): \(message) (\(cause))"
  }
}
