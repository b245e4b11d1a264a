package import Lifecycle

/// Long lists, in pages: each page is one snapshot, so that a slow reader holds up nothing and 100,000 rows never sit
/// in memory. A row that changes while the list goes on is told as it was, or as it is.
extension Store {
  /// Servers in ascending order of their ids.
  package func forEachServer(
    matching filter: ServerFilter = ServerFilter(), pageSize: Int = 500, _ body: (Server) async throws -> Void
  ) async throws {
    var last: ServerID?
    while true {
      let previous = last
      let page = try await read { (snapshot) throws(StoreError) in
        try snapshot.servers(matching: filter, after: previous, limit: pageSize)
      }
      for server in page { try await body(server) }
      guard page.count == pageSize else { return }
      last = page.last?.id
    }
  }

  /// One server's story, oldest first.
  package func forEachHistoryEntry(
    of server: ServerID, pageSize: Int = 500, _ body: (HistoryEntry) async throws -> Void
  ) async throws {
    let positions = try await read { (snapshot) throws(StoreError) in try snapshot.historyPositions(of: server) }
    for start in stride(from: 0, to: positions.count, by: pageSize) {
      let wanted = positions[start..<min(start + pageSize, positions.count)]
      let page = try await read { (snapshot) throws(StoreError) in
        var page: [HistoryEntry] = []
        for position in wanted {
          if let entry = try snapshot.historyEntry(at: position) { page.append(entry) }
        }
        return page
      }
      for entry in page { try await body(entry) }
    }
  }

  /// Allocations by server, and then in the order in which they began.
  package func forEachAllocation(
    matching filter: AllocationFilter = AllocationFilter(), pageSize: Int = 500,
    _ body: (Allocation) async throws -> Void
  ) async throws {
    var next: AllocationCursor?
    repeat {
      let cursor = next
      let page = try await read { (snapshot) throws(StoreError) in
        try snapshot.allocations(matching: filter, after: cursor, limit: pageSize)
      }
      for allocation in page.allocations { try await body(allocation) }
      next = page.next
    } while next != nil
  }

  /// Quota rows by client, contract, location and type.
  package func forEachQuota(
    of client: ClientID? = nil, pageSize: Int = 500, _ body: (QuotaListing) async throws -> Void
  ) async throws {
    var last: QuotaKey?
    while true {
      let previous = last
      let page = try await read { (snapshot) throws(StoreError) in
        try snapshot.quotas(of: client, after: previous, limit: pageSize)
      }
      for listing in page { try await body(listing) }
      guard page.count == pageSize else { return }
      last = page.last?.row.key
    }
  }

  /// Dead letters, oldest first.
  package func forEachLetter(
    matching filter: DeadLetterFilter = DeadLetterFilter(), pageSize: Int = 200,
    _ body: (DeadLetter) async throws -> Void
  ) async throws {
    var next: DeadLetterCursor?
    repeat {
      let cursor = next
      let page = try await read { (snapshot) throws(StoreError) in
        try snapshot.letters(matching: filter, after: cursor, limit: pageSize)
      }
      for letter in page.letters { try await body(letter) }
      next = page.next
    } while next != nil
  }
}
