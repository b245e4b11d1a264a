import Lifecycle
import Store
import Testing

@Suite struct StoryTests {
  @Test("a server's story is whole, oldest first, with the rejections where they were")
  func history() async throws {
    try await withStore { store, _ in
      let held = Quarantine(holds: [Hold(caseID: "A")], held: .new)
      let first = newServer(1)
      let rejection = HistoryEntry(
        position: 3, serverID: ServerID(1), version: 2, at: t0 + .seconds(5), happening: .rejected(.serverQuarantined),
        command: .isolate, operation: "run", actor: "ops", replayedBy: "eve", reason: "fan")
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.apply(first, .enrolled)
        let frozen = try transaction.apply(changed(first, to: .quarantined(held)), .quarantined)
        #expect(transaction.nextPosition() == 3)
        try transaction.append(rejection)
        try transaction.apply(newServer(2), .enrolled)
        try transaction.apply(changed(frozen, to: .backToBaseline(baselineID: id(1))), .unquarantined)
      }
      for pageSize in [1, 2, 100] {
        var entries: [HistoryEntry] = []
        try await store.forEachHistoryEntry(of: ServerID(1), pageSize: pageSize) { entries.append($0) }
        #expect(entries.map(\.position) == [1, 2, 3, 5])
        #expect(entries.map(\.version) == [1, 2, 2, 3])
        #expect(
          entries.map(\.happening) == [
            .changed(.enrolled), .changed(.quarantined), .rejected(.serverQuarantined), .changed(.unquarantined),
          ])
        #expect(entries.dropFirst(2).first == rejection)
      }
      try await store.read { (snapshot) throws(StoreError) in
        for version in 1...3 as ClosedRange<Int64> {
          #expect(try snapshot.stateData(of: ServerID(1), version: version) == Array("{\"v\":\(version)}".utf8))
        }
        #expect(try snapshot.stateData(of: ServerID(1), version: 4) == nil)
        #expect(try snapshot.stateData(of: ServerID(1), version: 0) == nil)
        #expect(try snapshot.stateData(of: ServerID(9), version: 1) == nil)
        #expect(try snapshot.stateData(at: 5) == Array("{\"v\":3}".utf8))
        #expect(try snapshot.stateData(at: 3) == nil)
        #expect(try snapshot.stateData(at: 6) == nil)
        #expect(try snapshot.historyPositions(of: ServerID(9)).isEmpty)
      }
    }
  }

  @Test("the one available longest is the one whose change came first, within a batch and after a restart")
  func longestAvailable() async throws {
    let directory = try TemporaryDirectory()
    var store = try Store.open(at: directory.storePath)
    try await store.commit(owner: nil) { (transaction) throws(StoreError) in
      for number in [5, 3, 4, 1, 2] as [Int64] { try transaction.apply(newServer(number), .enrolled) }
      for number in [4, 2, 5] as [Int64] {
        try transaction.apply(changed(newServer(number), to: .available), .available)
      }
      try transaction.apply(newServer(6, state: .available, location: 19), .enrolled)
      try transaction.apply(newServer(7, state: .available, type: 4), .enrolled)
    }
    await store.close()
    store = try Store.open(at: directory.storePath)
    let order = try await store.commit(owner: nil) { (transaction) throws(StoreError) in
      try transaction.apply(changed(newServer(1), to: .available), .available)
      var order: [Int64] = []
      while let next = try transaction.longestAvailable(at: LocationID(18), type: InstanceTypeID(3)) {
        order.append(next.id.rawValue)
        let began = allocation(UInt64(next.id.rawValue), of: next)
        try transaction.apply(changed(next, to: .allocated(began)), .allocated, .began(began))
      }
      return order
    }
    #expect(order == [4, 2, 5, 1])
    await store.close()
  }

  @Test("allocations are found by id and by client, since an enrolment, and listed by every filter")
  func allocations() async throws {
    try await withStore { store, _ in
      let listed = try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        var server = try transaction.apply(newServer(1), .enrolled)
        var listed: [Allocation] = []
        for (number, client) in [(1, 7), (2, 8), (3, 7)] as [(UInt64, Int64)] {
          let began = allocation(number, of: server, client: client)
          server = try transaction.apply(changed(server, to: .allocated(began)), .allocated, .began(began))
          let ended = began.ended(by: number == 2 ? .compensate : .deallocate, at: t0 + .seconds(Int(number) * 10))
          server = try transaction.apply(changed(server, to: .new), .deallocated, .ended(ended))
          listed.append(ended)
        }
        let running = allocation(4, of: newServer(2), client: 9)
        try transaction.apply(newServer(2, state: .allocated(running)), .enrolled, .began(running))
        return listed + [running]
      }
      try await store.read { (snapshot) throws(StoreError) in
        let one = ServerID(1)
        #expect(try snapshot.allocation(id(1), of: one, sinceVersion: 1) == listed[0])
        #expect(try snapshot.allocation(id(1), of: one, sinceVersion: 3) == nil)
        #expect(try snapshot.allocation(id(1), of: ServerID(2), sinceVersion: 1) == nil)
        #expect(try snapshot.latestAllocation(of: ClientID(7), on: one, sinceVersion: 1) == listed[2])
        #expect(try snapshot.latestAllocation(of: ClientID(8), on: one, sinceVersion: 1) == listed[1])
        #expect(try snapshot.latestAllocation(of: ClientID(8), on: one, sinceVersion: 5) == nil)
        #expect(try snapshot.latestAllocation(of: ClientID(9), on: one, sinceVersion: 1) == nil)
      }
      let cases: [(AllocationFilter, [Int])] = [
        (AllocationFilter(), [0, 1, 2, 3]), (AllocationFilter(client: ClientID(7)), [0, 2]),
        (AllocationFilter(server: ServerID(2)), [3]), (AllocationFilter(isOpen: true), [3]),
        (AllocationFilter(isOpen: false), [0, 1, 2]), (AllocationFilter(isBillable: true), [0, 2, 3]),
        (AllocationFilter(isBillable: false), [1]), (AllocationFilter(since: t0 + .seconds(20)), [1, 2, 3]),
        (AllocationFilter(client: ClientID(7), since: t0 + .seconds(20), isOpen: false), [2]),
      ]
      for (filter, expected) in cases {
        for pageSize in [1, 2, 100] {
          var found: [Allocation] = []
          try await store.forEachAllocation(matching: filter, pageSize: pageSize) { found.append($0) }
          #expect(found == expected.map { listed[$0] }, "\(filter)")
        }
      }
    }
  }

  @Test("servers are listed by every filter, in pages")
  func servers() async throws {
    try await withStore { store, _ in
      let began = allocation(1, of: newServer(3))
      let servers = [
        newServer(1), newServer(2, state: .available, location: 19), newServer(3, state: .allocated(began)),
        newServer(4, state: .available, type: 4), newServer(5, state: .decommissioned),
      ]
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for server in servers.reversed() {
          try transaction.apply(server, .enrolled, server.state.liveAllocation.map { .began($0) } ?? .none)
        }
      }
      let cases: [(ServerFilter, [Int])] = [
        (ServerFilter(), [0, 1, 2, 3, 4]), (ServerFilter(state: .available), [1, 3]),
        (ServerFilter(location: LocationID(18)), [0, 2, 3, 4]), (ServerFilter(instanceType: InstanceTypeID(4)), [3]),
        (ServerFilter(client: ClientID(7)), [2]), (ServerFilter(client: ClientID(8)), []),
        (ServerFilter(state: .available, location: LocationID(18)), [3]),
      ]
      for (filter, expected) in cases {
        for pageSize in [1, 2, 100] {
          var found: [Server] = []
          try await store.forEachServer(matching: filter, pageSize: pageSize) { found.append($0) }
          #expect(found == expected.map { servers[$0] }, "\(filter)")
        }
      }
    }
  }

  @Test("the outbox gives events in order, bounded by count and bytes, and forgets what is confirmed")
  func outbox() async throws {
    try await withStore { store, _ in
      let events = (1...10).map { (number: Int) -> OutboxEvent in
        OutboxEvent(
          position: Int64(number), epoch: 1, at: t0 + .seconds(number), routingKey: "server.\(number)",
          traceparent: number % 2 == 0 ? "00-ab" : nil,
          content: .bytes([UInt8](repeating: UInt8(number), count: 100)))
      }
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for event in events {
          #expect(transaction.nextPosition() == event.position)
          try transaction.enqueue(event)
        }
      }
      try await store.read { (snapshot) throws(StoreError) in
        #expect(try snapshot.outbox(limit: 100, maxBytes: 1000) == events)
        #expect(try snapshot.outbox(after: 4, limit: 3, maxBytes: 1000) == Array(events[4..<7]))
        #expect(try snapshot.outbox(after: 4, limit: 100, maxBytes: 250) == Array(events[4..<6]))
        #expect(try snapshot.outbox(after: 9, limit: 100, maxBytes: 1) == [events[9]])
        #expect(try snapshot.outbox(after: 10, limit: 100, maxBytes: 1).isEmpty)
      }
      let deleted = try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.deleteOutbox(through: 7)
      }
      #expect(deleted == 7)
      let counters = try await store.counters()
      #expect(counters.outbox.count == 3)
      #expect(counters.outbox.oldestPosition == 8)
      #expect(counters.outbox.oldestAt == t0 + .seconds(8))
      #expect(counters.position == 10)
      #expect(counters.oldestOpenLetterAt == nil)
      let sizes = try await store.sizes()
      #expect(sizes.database > 0 && sizes.log > 0)
    }
  }

  @Test("of a change the outbox says only that there is one, and gives it as the history has it")
  func changes() async throws {
    try await withStore { store, directory in
      let server = newServer(1)
      let change = PublishedChange(event: .enrolled, serverID: server.id, version: 1, data: Array("{\"v\":1}".utf8))
      let event = OutboxEvent(
        position: 1, epoch: 1, at: t0, routingKey: "server.enrolled.new.18", content: .change(change))
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.apply(server, .enrolled)
        try transaction.enqueue(event)
      }
      #expect(try RawDatabase(at: directory.storePath).text("SELECT body IS NULL FROM outbox") == "1")
      let read = try await store.read { (snapshot) throws(StoreError) in
        try snapshot.outbox(limit: 10, maxBytes: 1000)
      }
      #expect(read == [event])
      try RawDatabase(at: directory.storePath).run("UPDATE outbox SET position = 2")
      let error = await #expect(throws: StoreError.self) {
        try await store.read { (snapshot) throws(StoreError) in try snapshot.outbox(limit: 10, maxBytes: 1000) }
      }
      #expect(error?.code == .corrupt)
    }
  }

  @Test("snapshot runs come in the order they were noted, and go on where they were")
  func snapshotRuns() async throws {
    try await withStore { store, _ in
      let requests = [
        SnapshotRequest(
          scope: .location(LocationID(18)), operation: "run", actor: "ops", replayedBy: "eve", traceparent: "00-ab",
          notedAt: t0),
        SnapshotRequest(scope: .all, notedAt: t0), SnapshotRequest(scope: .server(ServerID(3)), notedAt: t0),
      ]
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        #expect(try transaction.nextSnapshotRun() == nil)
        for request in requests { try transaction.note(request) }
        for request in requests {
          guard let run = try transaction.nextSnapshotRun() else { throw StoreError(.defect, "no run") }
          #expect(run.request == request)
          #expect(run.cursor == nil && run.published == 0)
          try transaction.advance(run, to: ServerID(5), published: 3)
          try transaction.advance(run, to: ServerID(9), published: 4)
          let later = try transaction.nextSnapshotRun()
          #expect(later?.cursor == ServerID(9) && later?.published == 7)
          try transaction.finish(run)
        }
        #expect(try transaction.nextSnapshotRun() == nil)
      }
    }
  }

  @Test("suspects are counted until the note is taken back")
  func suspects() async throws {
    try await withStore { store, _ in
      let message = [UInt8](repeating: 9, count: 32)
      let other = [UInt8](repeating: 8, count: 32)
      func note(_ message: [UInt8]) async throws -> Int {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          try transaction.noteSuspect(message, at: t0)
        }
      }
      #expect(try await note(message) == 1)
      #expect(try await note(message) == 2)
      #expect(try await note(other) == 1)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in try transaction.clearSuspect(message) }
      #expect(try await note(message) == 1)
      #expect(try await note(other) == 2)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.clearSuspects(notedBefore: t0 + .seconds(1))
      }
      #expect(try await note(other) == 1)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in try transaction.clearSuspects() }
      #expect(try await note(other) == 1)
    }
  }
}
