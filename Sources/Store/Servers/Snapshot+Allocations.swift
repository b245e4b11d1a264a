package import Lifecycle

extension Snapshot {
  /// That allocation, running or ended, if it is one of the server's and began at `version` or later.
  package func allocation(
    _ id: UUID128, of server: ServerID, sinceVersion version: Int64
  ) throws(StoreError) -> Allocation? {
    var run = try connection.prepare(Statements.allocation)
    run.bind(server)
    run.bind(version)
    run.bind(id)
    return try run.step() ? try AllocationRow.read(run, on: connection) : nil
  }

  /// The client's latest allocation of the server, running or ended, that began at `version` or later.
  package func latestAllocation(
    of client: ClientID, on server: ServerID, sinceVersion version: Int64
  ) throws(StoreError) -> Allocation? {
    var run = try connection.prepare(Statements.latest)
    run.bind(server)
    run.bind(version)
    run.bind(client)
    return try run.step() ? try AllocationRow.read(run, on: connection) : nil
  }

  /// Up to `limit` allocations after `cursor`, by server and then in the order in which they began.
  package func allocations(
    matching filter: AllocationFilter = AllocationFilter(), after cursor: AllocationCursor? = nil, limit: Int
  ) throws(StoreError) -> AllocationPage {
    var run = try connection.prepare(filter.client == nil ? Statements.list : Statements.listOfClient)
    run.bind(cursor?.server ?? ServerID(0))
    run.bind(cursor?.version ?? 0 as Int64)
    run.bind(filter.client)
    run.bind(filter.server)
    run.bind(filter.since)
    run.bind(filter.isOpen.map { $0 ? 1 : 0 as Int64 })
    run.bind(filter.isBillable.map { $0 ? 1 : 0 as Int64 })
    run.bind(limit)
    var page = AllocationPage(allocations: [], next: nil)
    while try run.step() {
      let allocation = try AllocationRow.read(run, on: connection)
      page.allocations.append(allocation)
      if page.allocations.count == limit {
        page.next = AllocationCursor(server: allocation.serverID, version: run.integer(10))
      }
    }
    return page
  }

  func liveAllocation(of server: ServerID) throws(StoreError) -> Allocation {
    var run = try connection.prepare(Statements.live)
    run.bind(server)
    guard try run.step() else { throw connection.damaged("server \(server) is allocated without an allocation") }
    return try AllocationRow.read(run, on: connection)
  }
}

/// Which allocations to list; what is `nil` does not matter.
package struct AllocationFilter: Hashable, Sendable {
  package var client: ClientID?
  package var server: ServerID?
  /// Running at that moment or later: it ended then or later, or has not ended.
  package var since: Timestamp?
  /// `true`: has not ended; `false`: has ended.
  package var isOpen: Bool?
  package var isBillable: Bool?

  package init(
    client: ClientID? = nil, server: ServerID? = nil, since: Timestamp? = nil, isOpen: Bool? = nil,
    isBillable: Bool? = nil
  ) {
    self.client = client
    self.server = server
    self.since = since
    self.isOpen = isOpen
    self.isBillable = isBillable
  }
}

package struct AllocationCursor: Hashable, Sendable {
  let server: ServerID
  let version: Int64
}

package struct AllocationPage: Hashable, Sendable {
  package var allocations: [Allocation]
  /// Where the next page begins; `nil` at the end.
  package var next: AllocationCursor?
}

private enum Statements {
  static let allocation = SQLText(
    "SELECT \(AllocationRow.columns) FROM allocations WHERE server_id = ? AND began_version >= ? AND id = ?")
  static let latest = SQLText(
    """
    SELECT \(AllocationRow.columns) FROM allocations WHERE server_id = ? AND began_version >= ? AND client_id = ?
    ORDER BY began_version DESC LIMIT 1
    """)
  static let live = SQLText("SELECT \(AllocationRow.columns) FROM allocations WHERE server_id = ? AND live = 1")
  static let list = SQLText(list(client: "(?3 IS NULL OR client_id = ?3)"))
  static let listOfClient = SQLText(list(client: "client_id = ?3"))

  private static func list(client: String) -> String {
    """
    SELECT \(AllocationRow.columns), began_version FROM allocations
    WHERE (server_id, began_version) > (?1, ?2) AND \(client) AND (?4 IS NULL OR server_id = ?4)
      AND (?5 IS NULL OR ended_at IS NULL OR ended_at >= ?5)
      AND (?6 IS NULL OR ?6 = (ended_at IS NULL))
      AND (?7 IS NULL OR ?7 = (ended_by IS NOT 'compensate'))
    ORDER BY server_id, began_version LIMIT ?8
    """
  }
}
