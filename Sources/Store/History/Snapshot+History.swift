package import Lifecycle

extension Snapshot {
  /// JSON of a server's state as the change at that position left it: what ``OperationRecord/eventPosition`` of an
  /// applied operation finds. `nil`: no change of a server has that position.
  package func stateData(at position: Int64) throws(StoreError) -> [UInt8]? {
    var run = try connection.prepare(Statements.data)
    run.bind(position)
    return try run.step() ? run.optionalBytes(0) : nil
  }

  /// JSON of the server's state as that version left it. `nil`: there is no such version. Goes back through the
  /// server's story, so it is quick for recent versions.
  package func stateData(of server: ServerID, version: Int64) throws(StoreError) -> [UInt8]? {
    var next = try lastPosition(of: server)
    while let position = next {
      var run = try connection.prepare(Statements.step)
      run.bind(position)
      guard try run.step() else { throw connection.damaged("history entry \(position) of server \(server) is missing") }
      if run.integer(1) < version { return nil }
      if run.integer(1) == version, !run.isNull(2) { return try stateData(at: position) }
      next = run.optionalInteger(0)
    }
    return nil
  }

  /// The positions of all entries of the server's story, oldest first.
  package func historyPositions(of server: ServerID) throws(StoreError) -> [Int64] {
    var positions: [Int64] = []
    var next = try lastPosition(of: server)
    while let position = next {
      positions.append(position)
      var run = try connection.prepare(Statements.step)
      run.bind(position)
      guard try run.step() else { throw connection.damaged("history entry \(position) of server \(server) is missing") }
      next = run.optionalInteger(0)
    }
    return positions.reversed()
  }

  /// The entry at that position, if a server's story has one there.
  package func historyEntry(at position: Int64) throws(StoreError) -> HistoryEntry? {
    var run = try connection.prepare(Statements.entry)
    run.bind(position)
    guard try run.step() else { return nil }
    let happening: HistoryEntry.Happening =
      if let event: ServerEvent = try run.optionalName(3) {
        .changed(event)
      } else {
        .rejected(try run.name(4))
      }
    return HistoryEntry(
      position: position, serverID: ServerID(run.integer(0)), version: run.integer(1), at: run.moment(2),
      happening: happening, command: try run.name(5), operation: run.optionalText(6), actor: run.optionalText(7),
      replayedBy: run.optionalText(8), reason: run.optionalText(9), since: run.optionalMoment(10),
      data: run.optionalBytes(11))
  }

  private func lastPosition(of server: ServerID) throws(StoreError) -> Int64? {
    var run = try connection.prepare(Statements.head)
    run.bind(server)
    return try run.step() ? run.integer(0) : nil
  }
}

private enum Statements {
  static let data = SQLText("SELECT data FROM history WHERE position = ? AND event IS NOT NULL")
  static let head = SQLText("SELECT history_position FROM servers WHERE id = ?")
  static let step = SQLText("SELECT previous_position, version, event FROM history WHERE position = ?")
  static let entry = SQLText(
    """
    SELECT server_id, version, at, event, code, command, operation, actor, replayed_by, reason, since, data
    FROM history WHERE position = ?
    """)
}
