package import Lifecycle

/// An operation that was applied, or changed nothing, in a store that is lost; the events log told of it. A copy of it
/// must not be decided again.
package struct LostOperation: Hashable, Sendable {
  package let key: OperationKey
  /// Never `rejected`: what was refused may be decided again.
  package let outcome: Outcome
  package let decidedAt: Timestamp
  /// Of the event that told of it.
  package let eventID: UUID128
  package let serverID: ServerID?
  /// The version that it left in the store that is lost. Versions from there on are handed out a second time.
  package let serverVersion: Int64?
  /// JSON of the state that an `allocate` left.
  package let data: [UInt8]?

  package init(
    key: OperationKey, outcome: Outcome, decidedAt: Timestamp, eventID: UUID128, serverID: ServerID?,
    serverVersion: Int64?, data: [UInt8]? = nil
  ) {
    precondition(outcome != .rejected, "a rejection is not remembered beyond its store")
    self.key = key
    self.outcome = outcome
    self.decidedAt = decidedAt
    self.eventID = eventID
    self.serverID = serverID
    self.serverVersion = serverVersion
    self.data = data
  }
}

extension Snapshot {
  /// What is known of that operation from before a restore. `nil`: nothing.
  package func lostOperation(_ key: OperationKey) throws(StoreError) -> LostOperation? {
    // Every fresh command asks, and only a restored store has any.
    guard try connection.hasLostOperations else { return nil }
    var run = try connection.prepare(Statements.find)
    run.bind(key.bytes)
    guard try run.step() else { return nil }
    return LostOperation(
      key: key, outcome: try run.name(0), decidedAt: run.moment(1), eventID: try run.uuid(2),
      serverID: run.optionalInteger(3).map(ServerID.init), serverVersion: run.optionalInteger(4),
      data: run.optionalBytes(5))
  }
}

extension Transaction {
  /// Remembers an operation from before a restore; of several that share a key, the last.
  package func remember(_ lost: LostOperation) throws(StoreError) {
    var run = try connection.prepare(Statements.remember)
    run.bind(lost.key.bytes)
    run.bind(lost.outcome)
    run.bind(lost.decidedAt)
    run.bind(lost.eventID)
    run.bind(lost.serverID)
    run.bind(lost.serverVersion)
    run.bind(lost.data)
    try run.finish()
    connection.knowsLostOperations = true
  }

  /// Forgets at most `limit` of them that were decided before `moment`, in the order in which they were remembered.
  ///
  /// - Returns: how many went; fewer than `limit` when nothing is left to do.
  package func pruneLostOperations(decidedBefore moment: Timestamp, limit: Int) throws(StoreError) -> Int {
    guard try connection.hasLostOperations else { return 0 }
    var run = try connection.prepare(Statements.prune)
    run.bind(limit)
    run.bind(moment)
    try run.finish()
    return connection.changes
  }
}

extension Connection {
  /// Looked up once for each connection: only a restore, which no worker sees, adds the first.
  fileprivate var hasLostOperations: Bool {
    get throws(StoreError) {
      if let known = knowsLostOperations { return known }
      let any = try number(Statements.any) > 0
      knowsLostOperations = any
      return any
    }
  }
}

private enum Statements {
  static let any = SQLText("SELECT EXISTS (SELECT 1 FROM lost_operations)")
  static let find = SQLText(
    """
    SELECT outcome, decided_at, event_id, server_id, server_version, data FROM lost_operations WHERE key = ?
    """)
  static let remember = SQLText(
    """
    INSERT INTO lost_operations (key, outcome, decided_at, event_id, server_id, server_version, data)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET outcome = excluded.outcome, decided_at = excluded.decided_at,
      event_id = excluded.event_id, server_id = excluded.server_id, server_version = excluded.server_version,
      data = excluded.data
    """)
  static let prune = SQLText(
    """
    DELETE FROM lost_operations WHERE id IN (SELECT id FROM lost_operations ORDER BY id LIMIT ?) AND decided_at < ?
    """)
}
