package import Lifecycle

extension Transaction {
  /// Keeps a letter. The same message may not have one that is not closed; see ``Snapshot/openLetter(sameMessage:)``.
  ///
  /// - Parameter key: of the operation it carries, where it could be read.
  package func keep(_ letter: DeadLetter, ofKey key: OperationKey?) throws(StoreError) {
    var run = try connection.prepare(Statements.insert)
    DeadLetterRow.bind(letter, to: &run)
    run.bind(key?.bytes)
    try run.finish()
  }

  /// The same message was refused once more.
  package func countAgain(_ id: UUID128, at moment: Timestamp) throws(StoreError) {
    var run = try connection.prepare(Statements.countAgain)
    run.bind(moment)
    run.bind(id)
    try run.finish()
    try connection.expectOneChange("there is no dead letter \(id)")
  }

  /// Moves a letter to another state.
  ///
  /// - Returns: whether it was in one of the states of `from`; if not, nothing changes.
  package func setState(
    of id: UUID128, to state: DeadLetterState, from: Set<DeadLetterState>, at moment: Timestamp
  ) throws(StoreError) -> Bool {
    var run = try connection.prepare(Statements.setState)
    run.bind(state)
    run.bind(moment)
    run.bind(id)
    for state in DeadLetterState.allCases { run.bind(from.contains(state) ? state : nil) }
    try run.finish()
    return connection.changes == 1
  }

  /// A later attempt was applied or changed nothing: the letters of earlier ones are resolved.
  ///
  /// - Returns: how many were.
  @discardableResult
  package func resolveLetters(
    ofKey key: OperationKey, before attempt: Int, at moment: Timestamp
  ) throws(StoreError) -> Int {
    var run = try connection.prepare(Statements.resolve)
    run.bind(moment)
    run.bind(key.bytes)
    run.bind(attempt)
    try run.finish()
    return connection.changes
  }

  /// Forgets at most `limit` letters: resolved or discarded before `closed`, answered before `answered`. Open ones and
  /// those being replayed stay for ever.
  ///
  /// - Returns: how many went; fewer than `limit` when nothing is left to do.
  package func pruneLetters(
    closedBefore closed: Timestamp, answeredBefore answered: Timestamp, limit: Int
  ) throws(StoreError) -> Int {
    var run = try connection.prepare(Statements.prune)
    run.bind(closed)
    run.bind(closed)
    run.bind(answered)
    run.bind(limit)
    try run.finish()
    return connection.changes
  }
}

private enum Statements {
  static let insert = SQLText(
    """
    INSERT INTO dead_letters (\(DeadLetterRow.columns), operation_key)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """)
  static let countAgain = SQLText("UPDATE dead_letters SET count = count + 1, last_seen_at = ? WHERE id = ?")
  static let setState = SQLText(
    "UPDATE dead_letters SET state = ?, state_since = ? WHERE id = ? AND state IN (?, ?, ?, ?, ?)")
  static let resolve = SQLText(
    """
    UPDATE dead_letters SET state = 'resolved', state_since = ?
    WHERE operation_key = ? AND attempt < ? AND state IN ('open', 'answered', 'replaying')
    """)
  static let prune = SQLText(
    """
    DELETE FROM dead_letters WHERE number IN (
      SELECT number FROM dead_letters WHERE (state = 'resolved' AND state_since < ?)
        OR (state = 'discarded' AND state_since < ?) OR (state = 'answered' AND state_since < ?) LIMIT ?)
    """)
}
