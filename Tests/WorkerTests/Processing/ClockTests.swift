import Lifecycle
import Store
import TestSupport
import Testing
import Worker

/// A wall clock that jumps (failure 28).
@Suite struct ClockTests {
  @Test("The time of a server never goes backwards, in its events, its history and its allocations")
  func backwards() async throws {
    let desk = try await Desk()
    try await desk.each(.quota(7), .enroll(1), .allocate(7, op: 1))
    desk.now = desk.now - .seconds(3600)
    try await desk.each(
      .quarantine(1, op: 2), .isolate(1, op: 3), .deallocate(1, 7, op: 4), .snapshot(#""serverId":1"#))
    try await desk.snapshotChunk()
    let times = try await desk.newEvents().filter { $0.source == "/servers/1" }.map(\.time)
    #expect(times == times.sorted(), "RFC 3339 in UTC with milliseconds sorts as text")
    let history = try await desk.history(1)
    #expect(history.map(\.at) == history.map(\.at).sorted())
    let allocations = try await desk.store.read { snapshot throws(StoreError) in
      try snapshot.allocations(limit: 10).allocations
    }
    let allocation = try #require(allocations.first)
    let end = try #require(allocation.end)
    #expect(end.at >= allocation.startedAt)
  }

  @Test(
    "A clock that jumped back refuses nothing early, and one that jumped forward un-does nothing when it comes back")
  func forwardAndBack() async throws {
    let desk = try await Desk()
    let limit = (desk.now + .seconds(60)).description
    desk.now = desk.now - .seconds(86_400)
    try await desk.run(.enroll(1))
    #expect(
      try await desk.run(Order.isolate(1, op: 1).with(#""notAfter":"\#(limit)""#).asking()).answer().outcome
        == "applied")
    desk.now = desk.now + .seconds(2 * 86_400)
    let late = Order.unisolate(1, op: 2).with(#""notAfter":"\#(limit)""#).asking()
    #expect(try await desk.run(late).answer().error.code == "expired")
    desk.now = desk.now - .seconds(2 * 86_400)
    #expect(try await desk.run(late).answer().error.code == "expired", "a reported refusal stands")
  }
}
