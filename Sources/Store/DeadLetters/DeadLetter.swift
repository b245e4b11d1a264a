package import Lifecycle

/// What became of a dead letter.
package enum DeadLetterState: String, CaseIterable, Hashable, Sendable {
  case open
  /// Rejected, and a reply was tried: its sender knows.
  case answered
  case replaying
  /// A replay succeeded, or it turned out to be applied.
  case resolved
  case discarded

  /// Whether something is still to be done about it, or may be: the same message has one such letter at most.
  package var isUnsettled: Bool {
    switch self {
    case .open, .answered, .replaying: true
    case .resolved, .discarded: false
    }
  }
}

/// A message that was not applied, kept as it came.
package struct DeadLetter: Hashable, Sendable {
  package let id: UUID128
  package var state: DeadLetterState
  /// When it came into ``state``: retention counts from here.
  package var stateSince: Timestamp
  /// The command's name, or `unknown`.
  package var command: String
  package var code: RejectionCode
  package var message: String
  /// JSON, opaque to the store.
  package var details: String
  package var serverID: ServerID?
  package var clientID: ClientID?
  /// What the sender called the operation.
  package var operation: String?
  /// The attempt of the operation, 1...1000, where it could be read.
  package var attempt: Int?
  /// The verified principal.
  package var actor: String?
  package var receivedAt: Timestamp
  package var lastSeenAt: Timestamp
  /// How often the same message was refused.
  package var count: Int
  /// How often it was replayed.
  package var attempts: Int
  package var queue: String
  package var exchange: String
  package var routingKey: String
  /// The exact bytes, or the first 64 KiB of a body above 1 MiB.
  package var body: [UInt8]
  /// The length of the whole body in bytes.
  package var bodySize: Int
  /// Of the whole body: 32 bytes.
  package var bodySHA256: [UInt8]
  /// Typed JSON, opaque to the store.
  package var properties: String
  /// Typed JSON, opaque to the store.
  package var headers: String
  /// What makes a message the same: 32 bytes.
  package var sameMessage: [UInt8]
  /// The letter that this one was made from, with another body.
  package var editedFrom: UUID128?

  /// Whether the whole body is here.
  package var isReplayable: Bool { body.count == bodySize }

  package init(
    id: UUID128, state: DeadLetterState = .open, stateSince: Timestamp, command: String, code: RejectionCode,
    message: String, details: String, serverID: ServerID? = nil, clientID: ClientID? = nil, operation: String? = nil,
    attempt: Int? = nil, actor: String? = nil, receivedAt: Timestamp, lastSeenAt: Timestamp, count: Int = 1,
    attempts: Int = 0, queue: String, exchange: String, routingKey: String, body: [UInt8], bodySize: Int,
    bodySHA256: [UInt8], properties: String, headers: String, sameMessage: [UInt8],
    editedFrom: UUID128? = nil
  ) {
    self.id = id
    self.state = state
    self.stateSince = stateSince
    self.command = command
    self.code = code
    self.message = message
    self.details = details
    self.serverID = serverID
    self.clientID = clientID
    self.operation = operation
    self.attempt = attempt
    self.actor = actor
    self.receivedAt = receivedAt
    self.lastSeenAt = lastSeenAt
    self.count = count
    self.attempts = attempts
    self.queue = queue
    self.exchange = exchange
    self.routingKey = routingKey
    self.body = body
    self.bodySize = bodySize
    self.bodySHA256 = bodySHA256
    self.properties = properties
    self.headers = headers
    self.sameMessage = sameMessage
    self.editedFrom = editedFrom
  }
}
