package import Lifecycle

extension Snapshot {
  /// The run that was noted first, with the place that it has come to.
  package func nextSnapshotRun() throws(StoreError) -> SnapshotRun? {
    var run = try connection.prepare(Statements.next)
    guard try run.step() else { return nil }
    let scope: SnapshotScope
    switch run.text(1) {
    case "all": scope = .all
    case "server": scope = .server(ServerID(run.integer(2)))
    case "location": scope = .location(LocationID(run.integer(2)))
    case let other: throw connection.damaged("“\(other)” is no scope of a snapshot")
    }
    let cursor = run.integer(8)
    return SnapshotRun(
      id: run.integer(0),
      request: SnapshotRequest(
        scope: scope, operation: run.optionalText(3), actor: run.optionalText(4), replayedBy: run.optionalText(5),
        traceparent: run.optionalText(6), notedAt: run.moment(7)),
      cursor: cursor == 0 ? nil : ServerID(cursor), published: Int(run.integer(9)))
  }
}

extension Transaction {
  /// Notes that states are to be published, after those noted before.
  package func note(_ request: SnapshotRequest) throws(StoreError) {
    var run = try connection.prepare(Statements.note)
    switch request.scope {
    case .all:
      run.bind("all")
      run.bind(nil as Int64?)
    case .server(let id):
      run.bind("server")
      run.bind(id)
    case .location(let id):
      run.bind("location")
      run.bind(id)
    }
    run.bind(request.operation)
    run.bind(request.actor)
    run.bind(request.replayedBy)
    run.bind(request.traceparent)
    run.bind(request.notedAt)
    try run.finish()
  }

  /// `count` more servers were published, up to and with `cursor`.
  package func advance(_ snapshot: SnapshotRun, to cursor: ServerID, published count: Int) throws(StoreError) {
    var run = try connection.prepare(Statements.advance)
    run.bind(cursor)
    run.bind(count)
    run.bind(snapshot.id)
    try run.finish()
    try connection.expectOneChange("there is no snapshot run \(snapshot.id)")
  }

  /// All of it was published.
  package func finish(_ snapshot: SnapshotRun) throws(StoreError) {
    var run = try connection.prepare(Statements.finish)
    run.bind(snapshot.id)
    try run.finish()
    try connection.expectOneChange("there is no snapshot run \(snapshot.id)")
  }
}

private enum Statements {
  static let next = SQLText(
    """
    SELECT id, scope, scope_id, operation, actor, replayed_by, traceparent, noted_at, cursor, published
    FROM snapshot_runs ORDER BY id LIMIT 1
    """)
  static let note = SQLText(
    """
    INSERT INTO snapshot_runs (scope, scope_id, operation, actor, replayed_by, traceparent, noted_at, cursor, published)
    VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)
    """)
  static let advance = SQLText("UPDATE snapshot_runs SET cursor = ?, published = published + ? WHERE id = ?")
  static let finish = SQLText("DELETE FROM snapshot_runs WHERE id = ?")
}
