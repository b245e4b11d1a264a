package import Lifecycle

extension Snapshot {
  /// JSON of the server's state as that version left it. `nil`: there is no such version.
  package func stateData(of server: ServerID, version: Int64) throws(StoreError) -> [UInt8]? {
    var run = try connection.prepare(Statements.data)
    run.bind(server)
    run.bind(version)
    return try run.step() ? run.bytes(0) : nil
  }

  /// Up to `limit` entries of the server's story after `position`, oldest first.
  package func history(
    of server: ServerID, after position: Int64 = 0, limit: Int
  ) throws(StoreError) -> [HistoryEntry] {
    var run = try connection.prepare(Statements.list)
    run.bind(server)
    run.bind(position)
    run.bind(limit)
    var entries: [HistoryEntry] = []
    while try run.step() {
      let happening: HistoryEntry.Happening =
        if let event: ServerEvent = try run.optionalName(3) {
          .changed(event)
        } else {
          .rejected(try run.name(4))
        }
      entries.append(
        HistoryEntry(
          position: run.integer(0), serverID: server, version: run.integer(1), at: run.moment(2),
          happening: happening, command: try run.name(5), operation: run.optionalText(6), actor: run.optionalText(7),
          replayedBy: run.optionalText(8), reason: run.optionalText(9), data: run.optionalBytes(10)))
    }
    return entries
  }
}

private enum Statements {
  static let data = SQLText("SELECT data FROM history WHERE server_id = ? AND version = ? AND event IS NOT NULL")
  static let list = SQLText(
    """
    SELECT position, version, at, event, code, command, operation, actor, replayed_by, reason, data
    FROM history WHERE server_id = ? AND position > ? ORDER BY position LIMIT ?
    """)
}
