internal import Lifecycle

extension Transaction {
  /// Adds to a server's story. A version is changed once; rejections may stand beside it.
  package func append(_ entry: HistoryEntry) throws(StoreError) {
    var run = try connection.prepare(Statements.append)
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
    run.bind(entry.data)
    try run.finish()
  }
}

private enum Statements {
  static let append = SQLText(
    """
    INSERT INTO history (position, server_id, version, at, event, code, command, operation, actor, replayed_by, reason,
      data)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """)
}
