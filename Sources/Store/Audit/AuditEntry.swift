package import Lifecycle

/// Who did what to which dead letter, when, why, and with what result.
package struct AuditEntry: Hashable, Sendable {
  package enum Action: String, CaseIterable, Hashable, Sendable {
    case replay, edit, discard, reopen
    case `import`
  }
  package let at: Timestamp
  /// An operating-system user or a principal.
  package let who: String
  package let action: Action
  package let letterID: UUID128
  /// Of a replay.
  package let attempt: Int?
  /// `edit`: the letter with the other body.
  package let linkedLetter: UUID128?
  package let reason: String?
  /// `replay`: how it ended; `nil` while it runs.
  package let result: String?

  package init(
    at: Timestamp, who: String, action: Action, letterID: UUID128, attempt: Int? = nil, linkedLetter: UUID128? = nil,
    reason: String? = nil, result: String? = nil
  ) {
    self.at = at
    self.who = who
    self.action = action
    self.letterID = letterID
    self.attempt = attempt
    self.linkedLetter = linkedLetter
    self.reason = reason
    self.result = result
  }
}

/// Where a page of the audit trail ended.
package struct AuditCursor: Hashable, Sendable {
  let id: Int64
}
