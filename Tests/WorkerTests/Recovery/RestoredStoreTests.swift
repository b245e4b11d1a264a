import Lifecycle
import Store
import TestSupport
import Testing
import Worker

@Suite("Commands in a store that was restored")
struct RestoredStoreTests {
  @Test("a duplicate from before the restore still names the event of its own epoch")
  func eventIDs() async throws {
    let desk = try await Desk()
    let order = Order.enroll(1, op: 1).asking()
    let first = try await desk.run(order).answer()
    let again = try await desk.run(order).answer()
    #expect(again.eventIds == first.eventIds)
    for _ in 0..<2 {
      let next = try await desk.store.read { snapshot throws(StoreError) in try snapshot.meta().epoch + 1 }
      try await desk.store.commit(owner: nil) { transaction throws(StoreError) in try transaction.raiseEpoch(to: next) }
      #expect(try await desk.run(order).answer().eventIds == first.eventIds)
      let fresh = try await desk.run(.isolate(1, "excluded", op: UInt64(next)).asking()).answer()
      let other = try await desk.run(.isolate(1, "excluded", op: UInt64(next)).asking()).answer()
      #expect(fresh.eventIds == other.eventIds)
      #expect(try await desk.newEvents().last?.json.epoch.integer == next)
    }
  }

  @Test("an operation that was applied in the store that is lost is answered, and not applied")
  func lostOperations() async throws {
    let desk = try await Desk()
    for order in [
      Order.quota(7, op: 1), .enroll(1, op: 2), .enroll(2, "isolated", op: 3).with(#""subState":"excluded""#),
    ] {
      try await desk.run(order)
    }
    let allocate = try Self.uuid(50)
    let wipe = try Self.uuid(51)
    let event = UUID128(randomHigh: 9, randomLow: 9)
    let now = desk.now
    try await desk.store.commit(owner: nil) { transaction throws(StoreError) in
      try transaction.remember(
        LostOperation(
          key: OperationKey(command: .allocate, id: .uuid(allocate), subject: .none), outcome: .applied, decidedAt: now,
          eventID: event, serverID: ServerID(1), serverVersion: 9, data: Array(#"{"serverId":1}"#.utf8)))
      try transaction.remember(
        LostOperation(
          key: OperationKey(command: .unisolate, id: .uuid(wipe), subject: .server(ServerID(2))), outcome: .applied,
          decidedAt: now, eventID: event, serverID: ServerID(2), serverVersion: 4))
    }
    // Another connection: one that has looked for none before keeps that in mind.
    for attempt in [1, 2] {
      let answer = try await desk.run(.allocate(7, op: 50).attempt(attempt).asking()).answer()
      #expect(answer.outcome == "applied" && answer.duplicate == .bool(true))
      #expect(answer.server.serverId == 1 && answer.current.state == "available")
      #expect(answer.eventIds == [.text(event.description)])
    }
    #expect(try await desk.server(1)?.state == .available)
    let answer = try await desk.run(.unisolate(2, op: 51).asking()).answer()
    #expect(answer.outcome == "applied" && answer.server == .absent)
    #expect(answer.current.state == "isolated")
    let later = try await desk.run(.unisolate(2, op: 51).attempt(2).asking()).answer()
    #expect(later.error.code == "operation-conflict")
    #expect(try await desk.server(2)?.version == 1, "it is not wiped")
    // Another server, and another key, are decided.
    #expect(try await desk.run(.unisolate(2, op: 52).asking()).answer().outcome == "applied")
  }

  private static func uuid(_ operation: UInt64) throws -> UUID128 { try #require(UUID128(Order.uuid(operation))) }
}
