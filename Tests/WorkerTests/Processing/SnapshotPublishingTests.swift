import Lifecycle
import Store
import TestSupport
import Testing
import Worker

/// `snapshot`: noted when applied, published in parts, gone on with after a crash (contract section 6).
@Suite struct SnapshotPublishingTests {
  @Test("The run is noted, and its events come in parts in ascending order, ended by one with the count")
  func parts() async throws {
    let desk = try await Desk()
    for id in [5, 3, 9, 1, 7] as [Int64] { try await desk.run(.enroll(id)) }
    try await desk.run(.isolate(3))
    _ = try await desk.newEvents()
    let result = try await desk.run(Order.snapshot(op: 1).asking())
    #expect(result.hasNewSnapshot)
    #expect(try result.answer().outcome == "applied")
    #expect(try await desk.newEvents().isEmpty)
    #expect(try await desk.snapshotChunk(2))
    #expect(try await desk.newEvents().map(\.source) == ["/servers/1", "/servers/3"])
    #expect(try await desk.snapshotChunk(2))
    #expect(try await desk.snapshotChunk(2) == false)
    let events = try await desk.newEvents()
    #expect(events.map(\.source) == ["/servers/5", "/servers/7", "/servers/9", "/commands/snapshot"])
    #expect(events[0].json.type == "ostler.server.snapshot.v1")
    #expect(events[0].routingKey == "server.snapshot.available.18")
    #expect(events[0].sequence == 1)
    let end = try #require(events.last)
    #expect(end.routingKey == "server.snapshotCompleted")
    #expect(end.data.count == 5)
    #expect(end.data.operationUuid == .text(Order.uuid(1)))
    #expect(end.sequence == nil)
  }

  @Test("A part that is as long as what is left: the end comes all the same, once")
  func exactMultiple() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1), .enroll(2), .snapshot(op: 1))
    _ = try await desk.newEvents()
    #expect(try await desk.snapshotChunk(2))
    #expect(try await desk.snapshotChunk(2) == false)
    #expect(try await desk.newEvents().map(\.name) == ["snapshot", "snapshot", "snapshotCompleted"])
  }

  @Test("The data is that of the last change, its version the sequence; live changes in between are told once")
  func data() async throws {
    let desk = try await Desk()
    try await desk.run(.quota(7), .enroll(1), .enroll(2), .allocate(7, op: 1), .snapshot(op: 2))
    let allocated = try #require(try await desk.newEvents().last { $0.name == "allocated" })
    #expect(try await desk.snapshotChunk(1))
    try await desk.run(.isolate(2, op: 3))
    #expect(try await desk.snapshotChunk(5) == false)
    let events = try await desk.newEvents()
    #expect(events.map(\.name) == ["snapshot", "isolated", "snapshot", "snapshotCompleted"])
    #expect(events[0].data == allocated.data)
    #expect(events[2].sequence == 2)
    #expect(events[2].data.state == "isolated")
  }

  @Test("After a crash it goes on where it was, in a store opened again")
  func goesOn() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1), .enroll(2), .enroll(3), .snapshot(op: 1))
    _ = try await desk.snapshotChunk(1)
    await desk.store.close()
    let store = try Store.open(at: desk.directory.storePath)
    let token = try await store.takeOver(as: Desk.worker).token
    let hasMore = try await store.commit(owner: token) { transaction throws(StoreError) in
      var publisher = SnapshotPublisher(transaction: transaction, now: Timestamp(milliseconds: 1_790_000_000_000))
      return try publisher.publish(atMost: 10)
    }
    #expect(!hasMore)
    let rows = try await store.read { snapshot throws(StoreError) in
      try snapshot.outbox(limit: 100, maxBytes: .max)
    }
    let names = try rows.map { row in
      try EventRecord(routingKey: row.routingKey, body: row.encoded(for: store.identity.storeID).bytes)
    }.filter(\.isSnapshot)
    #expect(names.map(\.source) == ["/servers/1", "/servers/2", "/servers/3", "/commands/snapshot"])
    #expect(names.last?.data.count == 3)
    await store.close()
  }

  @Test("Scopes: one server, one location, an empty one; and runs one after the other")
  func scopes() async throws {
    let desk = try await Desk()
    try await desk.run(
      .enroll(1), .enroll(2), Order(.enroll, #""serverId":3,"locationId":19,"instanceTypeId":126"#),
      .snapshot(#""serverId":2"#), .snapshot(#""locationId":19"#), .snapshot(#""locationId":77"#))
    _ = try await desk.newEvents()
    #expect(try await desk.snapshotChunk())
    #expect(try await desk.snapshotChunk())
    #expect(try await desk.snapshotChunk() == false)
    let events = try await desk.newEvents()
    #expect(
      events.map(\.source) == [
        "/servers/2", "/commands/snapshot", "/servers/3", "/commands/snapshot", "/commands/snapshot",
      ])
    #expect(events.filter { $0.name == "snapshotCompleted" }.map(\.data.count) == [1, 1, 0])
  }

  @Test("An unknown server is refused at once, without waiting; both fields are refused as a body")
  func refusals() async throws {
    let desk = try await Desk()
    let unknown = try await desk.run(Order.snapshot(#""serverId":9"#, op: 1).asking())
    #expect(try unknown.answer().error.code == "unknown-server")
    #expect(desk.lot.isEmpty)
    let both = try await desk.run(Order.snapshot(#""serverId":9,"locationId":18"#, op: 2).asking())
    #expect(try both.answer().error.code == "invalid-field")
  }
}

extension Desk {
  /// - Returns: whether there is more to publish.
  @discardableResult
  func snapshotChunk(_ limit: Int = 300) async throws -> Bool {
    let now = now
    return try await store.commit(owner: token) { transaction throws(StoreError) in
      var publisher = SnapshotPublisher(transaction: transaction, now: now)
      return try publisher.publish(atMost: limit)
    }
  }
}
