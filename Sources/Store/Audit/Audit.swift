package import Lifecycle

extension Snapshot {
  /// The audit trail, oldest first: of one letter, or of all.
  ///
  /// - Returns: at most `limit` entries, and where they end; fewer than `limit` are the last.
  package func audit(
    of letter: UUID128? = nil, since moment: Timestamp? = nil, after cursor: AuditCursor? = nil, limit: Int
  ) throws(StoreError) -> (entries: [AuditEntry], end: AuditCursor) {
    var run = try connection.prepare(letter == nil ? Statements.all : Statements.ofLetter)
    run.bind(cursor?.id ?? 0)
    run.bind(moment)
    run.bind(limit)
    if let letter { run.bind(letter) }
    var entries: [AuditEntry] = []
    var last = cursor?.id ?? 0
    while try run.step() {
      last = run.integer(0)
      entries.append(
        AuditEntry(
          at: run.moment(1), who: run.text(2), action: try run.name(3), letterID: try run.uuid(4),
          attempt: run.optionalInteger(5).map { Int($0) }, linkedLetter: run.optionalUUID(6),
          reason: run.optionalText(7), result: run.optionalText(8)))
    }
    return (entries, AuditCursor(id: last))
  }

  /// Where the whole trail ends now.
  package func auditEnd() throws(StoreError) -> AuditCursor {
    var run = try connection.prepare(Statements.end)
    return AuditCursor(id: try run.step() ? run.integer(0) : 0)
  }
}

extension Transaction {
  func note(_ entry: AuditEntry) throws(StoreError) {
    var run = try connection.prepare(Statements.note)
    run.bind(entry.at)
    run.bind(entry.who)
    run.bind(entry.action)
    run.bind(entry.letterID)
    run.bind(entry.attempt.map { Int64($0) })
    run.bind(entry.linkedLetter)
    run.bind(entry.reason)
    try run.finish()
  }

  func noteResult(of replay: Replay, _ result: String) throws(StoreError) {
    var run = try connection.prepare(Statements.result)
    run.bind(result)
    run.bind(replay.letterID)
    run.bind(replay.attempt)
    try run.finish()
  }

  /// Forgets at most `limit` entries from before `moment` whose letters are gone.
  ///
  /// - Returns: how many went.
  package func pruneAudit(before moment: Timestamp, limit: Int) throws(StoreError) -> Int {
    var run = try connection.prepare(Statements.prune)
    run.bind(moment)
    run.bind(limit)
    try run.finish()
    return connection.changes
  }
}

private enum Statements {
  static let all = SQLText(
    """
    SELECT id, at, who, action, letter_id, attempt, linked_letter, reason, result
    FROM audit WHERE id > ?1 AND (?2 IS NULL OR at >= ?2) ORDER BY id LIMIT ?3
    """)
  static let ofLetter = SQLText(
    """
    SELECT id, at, who, action, letter_id, attempt, linked_letter, reason, result
    FROM audit WHERE id > ?1 AND (?2 IS NULL OR at >= ?2) AND (letter_id = ?4 OR linked_letter = ?4)
    ORDER BY id LIMIT ?3
    """)
  static let end = SQLText("SELECT ifnull(max(id), 0) FROM audit")
  static let note = SQLText(
    "INSERT INTO audit (at, who, action, letter_id, attempt, linked_letter, reason) VALUES (?, ?, ?, ?, ?, ?, ?)")
  static let result = SQLText(
    "UPDATE audit SET result = ? WHERE letter_id = ? AND attempt = ? AND action = 'replay'")
  static let prune = SQLText(
    """
    DELETE FROM audit WHERE id IN (
      SELECT id FROM audit WHERE at < ? AND NOT EXISTS (SELECT 1 FROM dead_letters WHERE id = audit.letter_id) LIMIT ?)
    """)
}
