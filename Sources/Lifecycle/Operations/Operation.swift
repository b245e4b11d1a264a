/// What a sender calls its operation: `operationUuid` of the body, else the AMQP `message-id` (1...255 bytes).
package enum OperationID: Hashable, Sendable, CustomStringConvertible {
  case uuid(UUID128)
  case messageID(String)

  package var description: String {
    switch self {
    case .uuid(let uuid): uuid.description
    case .messageID(let text): text
    }
  }
}

/// The key of an operation: one workflow run may use its one id for several commands and several servers.
package struct OperationKey: Hashable, Sendable {
  package enum Subject: Hashable, Sendable {
    /// `allocate`, and a `snapshot` that names no server.
    case none
    case server(ServerID)
    case quota(QuotaKey)
  }
  package let command: CommandName
  package let id: OperationID
  package let subject: Subject

  package init(command: CommandName, id: OperationID, subject: Subject) {
    self.command = command
    self.id = id
    self.subject = subject
  }

  package init(_ command: Command, id: OperationID) {
    self.command = command.name
    self.id = id
    subject =
      switch command {
      case .allocate, .snapshot(.all), .snapshot(.location): .none
      case .onServer(let id, _), .snapshot(.server(let id)): .server(id)
      case .setQuota(let key, _): .quota(key)
      }
  }
}

/// A hash over the canonical body: equal for bodies that mean the same. 128 bits of SHA-256 (FIPS 180-4).
package struct Fingerprint: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64
  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

/// How an operation ended.
package enum Outcome: String, CaseIterable, Hashable, Sendable {
  case applied, unchanged, rejected
}

/// What dedup needs to know of an attempt that was decided before.
package struct DecidedAttempt: Hashable, Sendable {
  /// 1...1000.
  package let attempt: Int
  package let fingerprint: Fingerprint
  package let outcome: Outcome
  package init(attempt: Int, fingerprint: Fingerprint, outcome: Outcome) {
    self.attempt = attempt
    self.fingerprint = fingerprint
    self.outcome = outcome
  }
}
