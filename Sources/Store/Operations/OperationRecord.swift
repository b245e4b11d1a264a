package import Lifecycle

/// How one attempt of an operation was decided, so that a copy of it gets the same answer.
package struct OperationRecord: Hashable, Sendable {
  package let key: OperationKey
  /// 1...1000.
  package let attempt: Int
  package let fingerprint: Fingerprint
  package let outcome: Outcome
  package let decidedAt: Timestamp
  /// The server concerned; for `allocate` the one that was given.
  package let serverID: ServerID?
  /// The version of that server as the operation left it: finds the state for the answer.
  package let serverVersion: Int64?
  /// The event that told of it.
  package let eventPosition: Int64?
  package let deadLetterID: UUID128?
  /// What the answer needs besides: small JSON, opaque to the store.
  package let reply: [UInt8]?

  package init(
    key: OperationKey, attempt: Int, fingerprint: Fingerprint, outcome: Outcome, decidedAt: Timestamp,
    serverID: ServerID? = nil, serverVersion: Int64? = nil, eventPosition: Int64? = nil,
    deadLetterID: UUID128? = nil, reply: [UInt8]? = nil
  ) {
    self.key = key
    self.attempt = attempt
    self.fingerprint = fingerprint
    self.outcome = outcome
    self.decidedAt = decidedAt
    self.serverID = serverID
    self.serverVersion = serverVersion
    self.eventPosition = eventPosition
    self.deadLetterID = deadLetterID
    self.reply = reply
  }

  /// What `Lifecycle` asks about it.
  package var decided: DecidedAttempt { DecidedAttempt(attempt: attempt, fingerprint: fingerprint, outcome: outcome) }
}
