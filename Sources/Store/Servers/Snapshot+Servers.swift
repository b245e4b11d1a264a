package import Lifecycle

extension Snapshot {
  /// The server as its last change left it. `nil`: it was never enrolled.
  package func server(_ id: ServerID) throws(StoreError) -> Server? {
    var run = try connection.prepare(Statements.server)
    run.bind(id)
    guard try run.step() else { return nil }
    return try server(from: run)
  }

  /// The server that has been available for longest at that location with that type, in the order of the commits
  /// that made them available.
  package func longestAvailable(at location: LocationID, type: InstanceTypeID) throws(StoreError) -> Server? {
    var run = try connection.prepare(Statements.longestAvailable)
    run.bind(location)
    run.bind(type)
    guard try run.step() else { return nil }
    return try server(from: run)
  }

  /// All that are available there, the one available for longest first.
  package func availableServers(at location: LocationID, type: InstanceTypeID) throws(StoreError) -> [ServerID] {
    var run = try connection.prepare(Statements.allAvailable)
    run.bind(location)
    run.bind(type)
    var ids: [ServerID] = []
    while try run.step() { ids.append(ServerID(run.integer(0))) }
    return ids
  }

  /// Up to `limit` servers after `previous`, in ascending order of their ids.
  package func servers(
    matching filter: ServerFilter = ServerFilter(), after previous: ServerID? = nil, limit: Int
  ) throws(StoreError) -> [Server] {
    var run = try connection.prepare(filter.isLocationOnly ? Statements.serversAtLocation : Statements.servers)
    run.bind(previous?.rawValue ?? 0)
    if filter.isLocationOnly {
      run.bind(filter.location)
    } else {
      run.bind(filter.state)
      run.bind(filter.location)
      run.bind(filter.instanceType)
      run.bind(filter.client)
    }
    run.bind(limit)
    var servers: [Server] = []
    while try run.step() { servers.append(try server(from: run)) }
    return servers
  }

  private func server(from run: borrowing StatementRun) throws(StoreError) -> Server {
    let id = ServerID(run.integer(0))
    return Server(
      id: id, version: run.integer(1), enrolledAtVersion: run.integer(2), name: run.optionalText(3),
      locationID: LocationID(run.integer(4)), instanceTypeID: InstanceTypeID(run.integer(5)),
      state: try state(of: id, from: run), previousState: try run.optionalName(7), reason: run.optionalText(8),
      changedAt: run.moment(9))
  }

  private func state(of id: ServerID, from run: borrowing StatementRun) throws(StoreError) -> ServerState {
    switch try run.name(6, of: StateName.self) {
    case .new: .new
    case .backToBaseline: .backToBaseline(baselineID: try run.uuid(10))
    case .available: .available
    case .allocated: .allocated(try liveAllocation(of: id))
    case .isolated: .isolated(try isolation(from: run))
    case .quarantined:
      .quarantined(Quarantine(holds: try holds(of: id), held: try heldState(of: id, from: run)))
    case .decommissioned: .decommissioned
    }
  }

  private func heldState(of id: ServerID, from run: borrowing StatementRun) throws(StoreError) -> HeldState {
    switch run.text(13) {
    case "new": .new
    case "backToBaseline": .backToBaseline
    case "available": .available
    case "allocated": .allocated(try liveAllocation(of: id))
    case "allocationEnded": .allocationEnded
    case "isolated": .isolated(try isolation(from: run))
    case let other: throw connection.damaged("server \(id) was frozen as “\(other)”, which is no state")
    }
  }

  private func isolation(from run: borrowing StatementRun) throws(StoreError) -> Isolation {
    Isolation(subState: try run.name(11), reason: run.optionalText(12))
  }

  private func holds(of id: ServerID) throws(StoreError) -> [Hold] {
    var run = try connection.prepare(Statements.holds)
    run.bind(id)
    var holds: [Hold] = []
    while try run.step() { holds.append(Hold(caseID: run.optionalText(0))) }
    guard !holds.isEmpty else { throw connection.damaged("server \(id) is quarantined and nothing holds it") }
    return holds
  }
}

private enum Statements {
  static let server = SQLText("SELECT \(ServerRow.columns) FROM servers WHERE id = ?")
  static let longestAvailable = SQLText(
    """
    SELECT \(ServerRow.columns) FROM servers
    WHERE location_id = ? AND instance_type_id = ? AND available_position IS NOT NULL
    ORDER BY available_position LIMIT 1
    """)
  static let allAvailable = SQLText(
    """
    SELECT id FROM servers
    WHERE location_id = ? AND instance_type_id = ? AND available_position IS NOT NULL ORDER BY available_position
    """)
  static let serversAtLocation = SQLText(
    "SELECT \(ServerRow.columns) FROM servers WHERE id > ? AND location_id = ? ORDER BY id LIMIT ?")
  static let servers = SQLText(
    """
    SELECT \(ServerRow.columns) FROM servers
    WHERE id > ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR location_id = ?3)
      AND (?4 IS NULL OR instance_type_id = ?4)
      AND (?5 IS NULL OR (live_allocation IS NOT NULL AND EXISTS (
        SELECT 1 FROM allocations WHERE server_id = servers.id AND live = 1 AND client_id = ?5)))
    ORDER BY id LIMIT ?6
    """)
  static let holds = SQLText("SELECT case_id FROM holds WHERE server_id = ? ORDER BY ordinal")
}
