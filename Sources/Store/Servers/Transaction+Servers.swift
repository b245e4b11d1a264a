package import Lifecycle

extension Transaction {
  /// Writes a change: the server, its allocation, the use of the quota that the allocation is charged to, and the
  /// entry in the server's story.
  ///
  /// - Parameter entry: tells of this very change. Its position is also the server's place among the available ones.
  package func apply(_ transition: Transition, as entry: HistoryEntry) throws(StoreError) {
    let server = transition.server
    precondition(
      entry.happening == .changed(transition.event) && entry.serverID == server.id && entry.version == server.version,
      "the entry tells of another change")
    try insert(entry)
    let flat = FlatState(server.state, position: entry.position)
    switch transition.event {
    case .enrolled where server.version == 1: try insert(server, flat, entry.position)
    case .enrolled, .reclassified: try update(server, flat, entry.position, with: Statements.updateAll, placed: true)
    case .allocated, .deallocated, .compensated, .isolated, .isolationUpdated, .unisolated, .available, .quarantined,
      .quarantineUpdated, .unquarantined, .decommissioned:
      try update(server, flat, entry.position, with: Statements.update, placed: false)
    }
    if !flat.holds.isEmpty || server.previousState == .quarantined { try replaceHolds(of: server.id, by: flat.holds) }
    switch transition.allocation {
    case .none: break
    case .began(let allocation):
      try begin(allocation, at: server.version)
      try changeUse(by: 1, of: allocation)
    case .ended(let allocation):
      try end(allocation)
      try changeUse(by: -1, of: allocation)
    }
  }

  private func insert(_ server: Server, _ flat: FlatState, _ position: Int64) throws(StoreError) {
    var run = try connection.prepare(Statements.insert)
    run.bind(server.id)
    run.bind(server.version)
    run.bind(server.enrolledAtVersion)
    run.bind(server.name)
    run.bind(server.locationID)
    run.bind(server.instanceTypeID)
    run.bind(server.state.name)
    run.bind(server.previousState)
    run.bind(server.reason)
    run.bind(server.changedAt)
    run.bind(position)
    flat.bind(to: &run)
    try run.finish()
  }

  /// Most changes leave name, location and type alone, and so the indexes on them.
  private func update(_ server: Server, _ flat: FlatState, _ position: Int64, with sql: SQLText, placed: Bool)
    throws(StoreError)
  {
    var run = try connection.prepare(sql)
    run.bind(server.version)
    run.bind(server.state.name)
    run.bind(server.previousState)
    run.bind(server.reason)
    run.bind(server.changedAt)
    run.bind(position)
    flat.bind(to: &run)
    if placed {
      run.bind(server.enrolledAtVersion)
      run.bind(server.name)
      run.bind(server.locationID)
      run.bind(server.instanceTypeID)
    }
    run.bind(server.id)
    run.bind(server.version - 1)
    try run.finish()
    try connection.expectOneChange("server \(server.id) is not at version \(server.version - 1)")
  }

  private func replaceHolds(of server: ServerID, by holds: [Hold]) throws(StoreError) {
    do {
      var run = try connection.prepare(Statements.deleteHolds)
      run.bind(server)
      try run.finish()
    }
    for (ordinal, hold) in holds.enumerated() {
      var run = try connection.prepare(Statements.insertHold)
      run.bind(server)
      run.bind(ordinal)
      run.bind(hold.caseID)
      try run.finish()
    }
  }

  private func begin(_ allocation: Allocation, at version: Int64) throws(StoreError) {
    var run = try connection.prepare(Statements.begin)
    run.bind(allocation.serverID)
    run.bind(allocation.id)
    run.bind(allocation.clientID)
    run.bind(allocation.contractID?.rawValue)
    run.bind(allocation.quotaType)
    run.bind(allocation.locationID)
    run.bind(allocation.instanceTypeID)
    run.bind(allocation.startedAt)
    run.bind(allocation.end?.at)
    run.bind(allocation.end?.by)
    run.bind(version)
    try run.finish()
  }

  private func end(_ allocation: Allocation) throws(StoreError) {
    var run = try connection.prepare(Statements.end)
    run.bind(allocation.end?.at)
    run.bind(allocation.end?.by)
    run.bind(allocation.serverID)
    run.bind(allocation.id)
    try run.finish()
    try connection.expectOneChange("allocation \(allocation.id) of server \(allocation.serverID) does not run")
  }
}

private enum Statements {
  static let insert = SQLText(
    """
    INSERT INTO servers (id, version, enrolled_version, name, location_id, instance_type_id, state, previous_state,
      reason, changed_at, history_position, baseline_id, available_position, sub_state, isolation_reason, held_state,
      first_hold, live_allocation)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    """)
  static let update = SQLText(update(also: ""))
  static let updateAll = SQLText(
    update(also: ", enrolled_version = ?, name = ?, location_id = ?, instance_type_id = ?"))

  private static func update(also more: String) -> String {
    """
    UPDATE servers SET version = ?, state = ?, previous_state = ?, reason = ?, changed_at = ?,
      history_position = ?, baseline_id = ?, available_position = ?, sub_state = ?, isolation_reason = ?, held_state = ?, first_hold = ?,
      live_allocation = ?\(more)
    WHERE id = ? AND version = ?
    """
  }

  static let deleteHolds = SQLText("DELETE FROM holds WHERE server_id = ?")
  static let insertHold = SQLText("INSERT INTO holds (server_id, ordinal, case_id) VALUES (?, ?, ?)")
  static let begin = SQLText(
    "INSERT INTO allocations (\(AllocationRow.columns), began_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
  static let end = SQLText(
    "UPDATE allocations SET ended_at = ?, ended_by = ? WHERE server_id = ? AND live = 1 AND id = ?")
}
