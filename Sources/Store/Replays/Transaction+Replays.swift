package import Lifecycle

extension Transaction {
  /// Asks for a letter to be replayed: it waits in the store until a worker publishes it.
  ///
  /// - Parameters:
  ///   - maxFailures: refuse one that has failed so often; `nil`: however often.
  package func askReplay(
    of id: UUID128, by who: String, reason: String?, at moment: Timestamp, maxFailures: Int?
  ) throws(StoreError) -> ReplayRequest {
    guard let letter = try letter(id) else { return .refused(.unknownLetter) }
    if let refusal = try replayRefusal(of: letter, maxFailures: maxFailures) { return .refused(refusal) }
    let attempt = letter.attempts + 1
    var run = try connection.prepare(Statements.ask)
    run.bind(id)
    run.bind(attempt)
    run.bind(letter.serverID)
    run.bind(who)
    run.bind(reason)
    run.bind(moment)
    try run.finish()
    var begin = try connection.prepare(Statements.beginReplaying)
    begin.bind(moment)
    begin.bind(attempt)
    begin.bind(id)
    try begin.finish()
    try note(AuditEntry(at: moment, who: who, action: .replay, letterID: id, attempt: attempt, reason: reason))
    return .asked(attempt: attempt)
  }

  /// The broker has confirmed it. One that has ended meanwhile stays ended.
  package func markPublished(_ replay: Replay) throws(StoreError) {
    var run = try connection.prepare(Statements.published)
    run.bind(replay.letterID)
    run.bind(replay.attempt)
    try run.finish()
  }

  /// Ends a running replay: its letter is resolved, or opens again with the reason of this failure.
  package func end(_ replay: Replay, with result: ReplayResult, at moment: Timestamp) throws(StoreError) {
    precondition(replay.isRunning, "a replay ends once")
    switch result {
    case .applied, .unchanged, .alreadyApplied:
      try setState(of: replay, to: .succeeded, at: moment)
      // A later attempt of the operation may have resolved it already.
      _ = try setState(of: replay.letterID, to: .resolved, from: [.replaying], at: moment)
    case .rejected(let rejection, let details):
      try setState(of: replay, to: .failed, at: moment)
      var run = try connection.prepare(Statements.reopen)
      run.bind(moment)
      run.bind(rejection.code)
      run.bind(rejection.message)
      run.bind(details)
      run.bind(moment)
      run.bind(replay.letterID)
      try run.finish()
    }
    try noteResult(of: replay, result.text)
  }

  /// Keeps an attempt that was made elsewhere, and is over.
  func keep(_ replay: Replay) throws(StoreError) {
    precondition(!replay.isRunning, "a replay that ran elsewhere does not run here")
    var run = try connection.prepare(Statements.keep)
    run.bind(replay.letterID)
    run.bind(replay.attempt)
    run.bind(replay.state)
    run.bind(replay.askedBy)
    run.bind(replay.reason)
    run.bind(replay.askedAt)
    run.bind(replay.endedAt)
    try run.finish()
  }

  func giveUp(_ replay: Replay, at moment: Timestamp) throws(StoreError) {
    try setState(of: replay, to: .givenUp, at: moment)
    try noteResult(of: replay, "given up")
  }

  private func setState(of replay: Replay, to state: ReplayState, at moment: Timestamp) throws(StoreError) {
    var run = try connection.prepare(Statements.end)
    run.bind(state)
    run.bind(moment)
    run.bind(replay.letterID)
    run.bind(replay.attempt)
    try run.finish()
    try connection.expectOneChange("replay \(replay.letterID)/\(replay.attempt) does not run")
  }
}

private enum Statements {
  static let ask = SQLText(
    """
    INSERT INTO replays (letter_id, attempt, state, server_id, asked_by, reason, asked_at)
    VALUES (?, ?, 'asked', ?, ?, ?, ?)
    """)
  static let keep = SQLText(
    """
    INSERT INTO replays (letter_id, attempt, state, asked_by, reason, asked_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?)
    """)
  static let beginReplaying = SQLText(
    "UPDATE dead_letters SET state = 'replaying', state_since = ?, attempts = ? WHERE id = ?")
  static let published = SQLText(
    "UPDATE replays SET state = 'published' WHERE letter_id = ? AND attempt = ? AND state = 'asked'")
  static let end = SQLText(
    """
    UPDATE replays SET state = ?, ended_at = ? WHERE letter_id = ? AND attempt = ? AND state IN ('asked', 'published')
    """)
  static let reopen = SQLText(
    """
    UPDATE dead_letters SET state = 'open', state_since = ?, code = ?, message = ?, details = ?, last_seen_at = ?
    WHERE id = ? AND state = 'replaying'
    """)
}
