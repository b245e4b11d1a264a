import Store
import Testing
import Worker

@Suite struct OutboxHandoffTests {
  private func positions(_ events: [OutboxEvent]?) -> [Int64]? { events?.map(\.position) }

  @Test("What was committed is handed over in order, and stays until the relay is past it")
  func order() {
    var handoff = OutboxHandoff(newest: 10)
    #expect(positions(handoff.take(after: 10, limit: 5)) == [])
    // Positions may leave gaps.
    handoff.add([.numbered(12), .numbered(13)])
    handoff.add([.numbered(17)])
    #expect(positions(handoff.take(after: 10, limit: 2)) == [12, 13])
    // Only one of the two was written.
    #expect(positions(handoff.take(after: 12, limit: 5)) == [13, 17])
    #expect(positions(handoff.take(after: 17, limit: 5)) == [])
    handoff.add([])
    #expect(positions(handoff.take(after: 17, limit: 5)) == [])
  }

  @Test("What went before, or is wanted once more, is the store's")
  func before() {
    var handoff = OutboxHandoff(newest: 10)
    handoff.add([.numbered(11), .numbered(12)])
    #expect(handoff.take(after: 9, limit: 5) == nil)
    #expect(positions(handoff.take(after: 11, limit: 5)) == [12])
    #expect(handoff.take(after: 10, limit: 5) == nil)
  }

  @Test(
    "It is bounded by count and by bytes: what it cannot hold is the store's, and then it goes on",
    arguments: [(count: OutboxHandoff.maxCount + 1, size: 1), (count: 5, size: OutboxHandoff.maxBytes / 4)])
  func bounds(_ count: Int, _ size: Int) {
    var handoff = OutboxHandoff(newest: 0)
    handoff.add((1..<count).map { .numbered(Int64($0), size: size) })
    #expect(handoff.take(after: 0, limit: 1)?.count == 1)
    handoff.add([.numbered(Int64(count), size: size)])
    #expect(handoff.take(after: 0, limit: 1) == nil)
    #expect(handoff.take(after: Int64(count) - 1, limit: 1) == nil)
    handoff.add([.numbered(Int64(count) + 1)])
    #expect(positions(handoff.take(after: Int64(count), limit: 5)) == [Int64(count) + 1])
  }
}
