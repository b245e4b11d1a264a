package import Lifecycle

/// One attempt to have a dead letter decided again.
package struct Replay: Hashable, Sendable {
  package let letterID: UUID128
  /// 1 for the first of its letter.
  package let attempt: Int
  package let state: ReplayState
  /// The operating-system user or principal that asked for it.
  package let askedBy: String
  package let reason: String?
  package let askedAt: Timestamp
  package let endedAt: Timestamp?

  package init(
    letterID: UUID128, attempt: Int, state: ReplayState, askedBy: String, reason: String?, askedAt: Timestamp,
    endedAt: Timestamp?
  ) {
    self.letterID = letterID
    self.attempt = attempt
    self.state = state
    self.askedBy = askedBy
    self.reason = reason
    self.askedAt = askedAt
    self.endedAt = endedAt
  }

  package var isRunning: Bool {
    switch state {
    case .asked, .published: true
    case .succeeded, .failed, .givenUp: false
    }
  }
}

package enum ReplayState: String, CaseIterable, Hashable, Sendable {
  /// Noted; the worker has yet to publish it.
  case asked
  /// On its way through the command's queue.
  case published
  case succeeded
  case failed
  /// Freed by `reopen`; a copy that still comes back changes nothing.
  case givenUp
}

/// How a replay ended.
package enum ReplayResult: Hashable, Sendable {
  case applied, unchanged
  /// A copy of it had been applied before; nothing was changed now.
  case alreadyApplied
  case rejected(Rejection, detailsJSON: String)

  /// As the audit trail writes it.
  package var text: String {
    switch self {
    case .applied: "applied"
    case .unchanged: "unchanged"
    case .alreadyApplied: "already-applied"
    case .rejected(let rejection, _): "rejected: \(rejection.code.rawValue)"
    }
  }
}

/// Whether a replay was noted.
package enum ReplayRequest: Hashable, Sendable {
  case asked(attempt: Int)
  case refused(Refusal)

  package enum Refusal: Hashable, Sendable {
    case unknownLetter
    /// It is not open: being replayed, resolved or discarded.
    case notOpen(DeadLetterState)
    /// Only the beginning of its body was kept.
    case bodyIncomplete
    /// It names no command of ours; only `edit` makes one of it.
    case noCommand
    /// It has failed as often as `deadLetters.maxReplays` allows.
    case failedTooOften(Int)
  }
}
