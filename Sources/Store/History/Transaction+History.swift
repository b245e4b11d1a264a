internal import Lifecycle

extension Transaction {
  /// Adds to a server's story that a command was rejected because the server is quarantined. Changes are added by
  /// ``apply(_:as:)``.
  package func append(_ rejection: HistoryEntry) throws(StoreError) {
    guard case .rejected = rejection.happening else {
      preconditionFailure("a change is appended together with the server that it changes")
    }
    try insert(rejection)
    var run = try connection.prepare(Statements.head)
    run.bind(rejection.position)
    run.bind(rejection.serverID)
    run.bind(rejection.version)
    try run.finish()
    try connection.expectOneChange("server \(rejection.serverID) is not at version \(rejection.version)")
  }

  /// Adds an entry before the server is told of it: the chain goes on from the entry that the server still names.
  func insert(_ entry: HistoryEntry) throws(StoreError) {
    var run = try connection.prepare(Statements.insert)
    run.bind(entry.position)
    run.bind(entry.serverID)
    run.bind(entry.version)
    run.bind(entry.at)
    switch entry.happening {
    case .changed(let event):
      run.bind(event)
      run.bind(nil as Int64?)
    case .rejected(let code):
      run.bind(nil as Int64?)
      run.bind(code)
    }
    run.bind(entry.command)
    run.bind(entry.operation)
    run.bind(entry.actor)
    run.bind(entry.replayedBy)
    run.bind(entry.reason)
    run.bind(entry.since)
    run.bind(entry.data)
    try run.finish()
  }
}

private enum Statements {
  static let insert = SQLText(
    """
    INSERT INTO history (position, previous_position, server_id, version, at, event, code, command, operation, actor,
      replayed_by, reason, since, data)
    VALUES (?1, (SELECT history_position FROM servers WHERE id = ?2), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
      ?13)
    """)
  static let head = SQLText("UPDATE servers SET history_position = ? WHERE id = ? AND version = ?")
}
