/// What the attempts of one operation that were decided before say about one more delivery (contract section 2).
package enum DedupVerdict: Hashable, Sendable {
  /// Decide it.
  case fresh
  /// Answer with the stored outcome of this attempt, and change nothing.
  case duplicate(of: DecidedAttempt)
  /// The key was used for something else: the first outcome stands.
  case conflict(Rejection)
}

extension OperationKey {
  /// - Parameters:
  ///   - attempt: 1...1000, of the delivery at hand.
  ///   - decided: every attempt of this key that was decided, in any order.
  package func verdict(attempt: Int, fingerprint: Fingerprint, decided: [DecidedAttempt]) -> DedupVerdict {
    guard let highest = decided.max(by: { $0.attempt < $1.attempt }) else { return .fresh }
    if let same = decided.first(where: { $0.attempt == attempt }) {
      return same.fingerprint == fingerprint ? .duplicate(of: same) : .conflict(conflict(attempt, with: same))
    }
    if attempt < highest.attempt {
      return .conflict(
        Rejection(
          .operationConflict,
          "attempt \(attempt) of operation \(id) was never seen and attempt \(highest.attempt) is decided already; "
            + "send a higher attempt",
          details: conflictDetails(attempt, highest)))
    }
    // A client that was given a server and asks again must never be given a second one.
    if command == .allocate, let applied = decided.first(where: { $0.outcome == .applied }) {
      return applied.fingerprint == fingerprint
        ? .duplicate(of: applied) : .conflict(conflict(attempt, with: applied))
    }
    return .fresh
  }

  private func conflict(_ attempt: Int, with first: DecidedAttempt) -> Rejection {
    Rejection(
      .operationConflict,
      "operation \(id) was decided before with another body (attempt \(first.attempt), \(first.outcome.rawValue)); "
        + "its outcome stands: use a new operationUuid for a new operation",
      details: conflictDetails(attempt, first))
  }

  private func conflictDetails(_ attempt: Int, _ decided: DecidedAttempt) -> [Detail.Field] {
    [
      .init("operationUuid", .text(id.description)), .init("attempt", .integer(Int64(attempt))),
      .init("decidedAttempt", .integer(Int64(decided.attempt))),
      .init("decidedOutcome", .text(decided.outcome.rawValue)),
    ]
  }
}
