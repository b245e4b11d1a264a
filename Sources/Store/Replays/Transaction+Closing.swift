package import Lifecycle

/// Why a letter was not moved.
package enum LetterRefusal: Hashable, Sendable {
  case unknownLetter
  /// Not from that state.
  case wrongState(DeadLetterState)
  /// The same message has an open letter of its own, which stands for both.
  case sameMessageIsOpen(UUID128)
}

extension Transaction {
  /// Closes an open letter for good, until ``reopen(_:by:reason:at:)``.
  ///
  /// - Returns: `nil` when it is done.
  package func discard(
    _ id: UUID128, by who: String, reason: String, at moment: Timestamp
  ) throws(StoreError) -> LetterRefusal? {
    guard let letter = try letter(id) else { return .unknownLetter }
    guard try setState(of: id, to: .discarded, from: [.open, .answered], at: moment) else {
      return .wrongState(letter.state)
    }
    try note(AuditEntry(at: moment, who: who, action: .discard, letterID: id, reason: reason))
    return nil
  }

  /// Opens a discarded letter again, or frees one whose replay never came back: a copy of that one changes nothing.
  ///
  /// - Returns: `nil` when it is done.
  package func reopen(
    _ id: UUID128, by who: String, reason: String?, at moment: Timestamp
  ) throws(StoreError) -> LetterRefusal? {
    guard let letter = try letter(id) else { return .unknownLetter }
    switch letter.state {
    case .open, .answered, .resolved: return .wrongState(letter.state)
    case .discarded:
      if let other = try openLetter(sameMessage: letter.sameMessage) { return .sameMessageIsOpen(other.id) }
    case .replaying:
      if let running = try replays(of: id).last, running.isRunning { try giveUp(running, at: moment) }
    }
    _ = try setState(of: id, to: .open, from: [.discarded, .replaying], at: moment)
    try note(AuditEntry(at: moment, who: who, action: .reopen, letterID: id, reason: reason))
    return nil
  }

  /// Keeps a letter with another body in place of an open one, which is closed, and links the two.
  ///
  /// - Parameter edited: a new letter, open; its `editedFrom` names the original.
  /// - Returns: `nil` when it is done.
  package func replace(
    _ id: UUID128, by edited: DeadLetter, ofKey key: OperationKey?, who: String, reason: String?, at moment: Timestamp
  ) throws(StoreError) -> LetterRefusal? {
    precondition(edited.editedFrom == id && edited.state == .open, "an edited letter is open and names its original")
    guard let letter = try letter(id) else { return .unknownLetter }
    if let other = try openLetter(sameMessage: edited.sameMessage) { return .sameMessageIsOpen(other.id) }
    guard try setState(of: id, to: .discarded, from: [.open, .answered], at: moment) else {
      return .wrongState(letter.state)
    }
    try keep(edited, ofKey: key)
    try note(
      AuditEntry(
        at: moment, who: who, action: .edit, letterID: id, linkedLetter: edited.id, reason: reason))
    return nil
  }

  /// Takes in a letter that was exported, as it was, with the attempts to replay it; one that is here already is left
  /// alone.
  ///
  /// - Parameter replays: of that letter, none of them running.
  /// - Returns: whether it was taken in.
  package func importLetter(
    _ letter: DeadLetter, replays: [Replay] = [], ofKey key: OperationKey?, by who: String, at moment: Timestamp
  ) throws(StoreError) -> Bool {
    precondition(letter.state != .replaying, "a replay that ran elsewhere does not run here")
    guard try self.letter(letter.id) == nil else { return false }
    if letter.state.isUnsettled, try openLetter(sameMessage: letter.sameMessage) != nil { return false }
    try keep(letter, ofKey: key)
    for replay in replays { try keep(replay) }
    try note(AuditEntry(at: moment, who: who, action: .import, letterID: letter.id))
    return true
  }
}
