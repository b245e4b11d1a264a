package import Lifecycle

extension Transaction {
  /// Keeps how an attempt was decided. Each attempt is recorded once; see ``replace(_:)``.
  package func record(_ record: OperationRecord) throws(StoreError) {
    let bytes = record.key.bytes
    var run = try connection.prepare(Statements.record)
    run.bind(try operations.nextID(on: connection))
    run.bind(bytes)
    run.bind(record.attempt)
    run.bindDecision(of: record)
    try run.finish()
    try operations.append(operations.hash(bytes), on: connection)
  }

  /// Replaces what is known of an attempt that was decided before: a replay decides a rejected one afresh.
  package func replace(_ record: OperationRecord) throws(StoreError) {
    let bytes = record.key.bytes
    for id in try operations.ids(of: operations.hash(bytes), on: connection) {
      var run = try connection.prepare(Statements.replace)
      run.bindDecision(of: record)
      run.bind(id)
      run.bind(bytes)
      run.bind(record.attempt)
      try run.finish()
      if connection.changes == 1 { return }
    }
    throw StoreError(
      .defect,
      "The store \(connection.path) refused an impossible change: attempt \(record.attempt) of operation "
        + "\(record.key.id) was never recorded.")
  }

  /// Forgets operations that were decided before `moment`, oldest first, looking at no more than `limit` of them
  /// after `progress` (`nil`: from the start). Those with a letter that is open or being replayed stay.
  ///
  /// - Returns: how many went, and where to go on; ``OperationPruning/isDone`` at the end.
  package func pruneOperations(
    decidedBefore moment: Timestamp, limit: Int, after progress: OperationPruning? = nil
  ) throws(StoreError) -> OperationPruning {
    let start = progress?.lastID ?? 0
    let before = progress?.deleted ?? 0
    var last = start
    var seen = 0
    do {
      var run = try connection.prepare(Statements.oldest)
      run.bind(start)
      run.bind(limit)
      while try run.step() {
        // Ids follow the order of decision, so the first young one ends the search; a clock that was set back only
        // makes some live longer.
        guard run.moment(1) < moment else { break }
        last = run.integer(0)
        seen += 1
      }
    }
    guard seen > 0 else { return OperationPruning(lastID: start, deleted: before, isDone: true) }
    var deleted = 0
    do {
      var run = try connection.prepare(Statements.prune)
      run.bind(start)
      run.bind(last)
      try run.finish()
      deleted = connection.changes
    }
    try operations.forgetEmptyGenerations(through: last, on: connection)
    return OperationPruning(lastID: last, deleted: before + deleted, isDone: seen < limit)
  }
}

/// How far the pruning of operations has come.
package struct OperationPruning: Hashable, Sendable {
  let lastID: Int64
  /// Since its beginning.
  package let deleted: Int
  package let isDone: Bool
}

extension StatementRun {
  /// The columns from `fingerprint` to `reply`.
  fileprivate mutating func bindDecision(of record: OperationRecord) {
    bind(UUID128(high: record.fingerprint.high, low: record.fingerprint.low))
    bind(record.outcome)
    bind(record.decidedAt)
    bind(record.serverID)
    bind(record.serverVersion)
    bind(record.eventPosition)
    bind(record.deadLetterID)
    bind(record.reply)
  }
}

private enum Statements {
  static let record = SQLText(
    """
    INSERT INTO operations (id, key, attempt, fingerprint, outcome, decided_at, server_id, server_version,
      event_position, dead_letter_id, reply)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """)
  static let replace = SQLText(
    """
    UPDATE operations SET fingerprint = ?, outcome = ?, decided_at = ?, server_id = ?, server_version = ?,
      event_position = ?, dead_letter_id = ?, reply = ?
    WHERE id = ? AND key = ? AND attempt = ?
    """)
  static let oldest = SQLText("SELECT id, decided_at FROM operations WHERE id > ? ORDER BY id LIMIT ?")
  static let prune = SQLText(
    """
    DELETE FROM operations WHERE id > ? AND id <= ? AND NOT EXISTS (
      SELECT 1 FROM dead_letters
      WHERE operation_key = operations.key AND state IN ('open', 'replaying'))
    """)
}
