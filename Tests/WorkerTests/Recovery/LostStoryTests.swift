import Lifecycle
import Store
import TestSupport
import Testing
import Worker

@Suite("What happened after a backup")
struct LostStoryTests {
  /// The events of these orders, each in a batch of its own, over a real store.
  private func events(_ orders: Order..., of desk: Desk) async throws -> [LoggedEvent] {
    for order in orders { try await desk.run(order) }
    return try await desk.newEvents().map { try #require(LoggedEvent($0.body)) }
  }

  private func story(_ events: [LoggedEvent], after position: Int64, epoch: Int64 = 1) throws -> LostStory {
    var story = LostStory(
      storeID: try #require(events.first).storeID, backup: LogPlace(epoch: epoch, position: position))
    for event in events { _ = story.take(event) }
    return story
  }

  @Test("servers, allocations, quotas and letters; what the backup knows is none of it, what comes twice counts once")
  func told() async throws {
    let desk = try await Desk()
    let all = try await events(
      .quota(7, 5, op: 1), .enroll(1, op: 2), .enroll(2, op: 3), .allocate(7, op: 4), .deallocate(1, 7, op: 5),
      .quota(7, 9, op: 6), .unisolate(99, op: 7), .isolate(2, op: 8), of: desk)
    desk.patience = .zero
    // The backup was taken after the third.
    var story = try story(all, after: 3)
    for event in all.suffix(2) { _ = story.take(event) }
    #expect(story.gapCount == 0)
    #expect(story.count == all.count - 3)
    #expect(story.servers.keys.sorted() == [ServerID(1), ServerID(2)])
    let first = try #require(story.servers[ServerID(1)])
    #expect((first.changes, first.firstVersion, first.last.version) == (2, 2, 3))
    #expect(first.last.state == .backToBaseline)
    let allocation = try #require(first.allocations.first)
    #expect(first.allocations.count == 1 && allocation.began && allocation.endedBy == "deallocate")
    #expect(story.quotas.values.map(\.limit) == [9])
  }

  @Test("operations that must not be decided again: of servers, never of quotas, nothing that was refused")
  func facts() async throws {
    let desk = try await Desk()
    let all = try await events(
      .quota(7, 5, op: 1), .enroll(1, op: 2), .allocate(7, op: 3), .unisolate(1, op: 4), .available(1, op: 5),
      .isolate(1).messageID("run-7"), of: desk)
    var story = LostStory(storeID: try #require(all.first).storeID, backup: LogPlace(epoch: 1, position: 1))
    let operations = all.flatMap { story.take($0) }.compactMap { fact in
      if case .operation(let operation) = fact { operation } else { nil }
    }
    #expect(operations.map(\.key.command) == [.enroll, .allocate, .unisolate])
    #expect(operations.map(\.outcome) == [.applied, .applied, .unchanged])
    #expect(operations[1].key.subject == .none && operations[1].serverID == ServerID(1))
    #expect(operations.map { $0.data != nil } == [false, true, false])
  }

  @Test("gaps: at the beginning, in the middle, before a later epoch, and at the end")
  func gaps() throws {
    func event(_ epoch: Int64, _ position: Int64) throws -> LoggedEvent {
      try #require(LoggedEvent(LogTailTests.event(position, epoch: epoch).body))
    }
    func gaps(_ places: [(Int64, Int64)], end: (Int64, Int64)? = nil) throws -> [String] {
      var story = LostStory(storeID: LogTailTests.ours, backup: LogPlace(epoch: 1, position: 10))
      for (epoch, position) in places { _ = story.take(try event(epoch, position)) }
      if let end { story.end(at: LogPlace(epoch: end.0, position: end.1)) }
      return story.gaps.map { "\($0.epoch): \($0.first.map(String.init) ?? "?")-\($0.last)" }
    }
    #expect(try gaps([(1, 9), (1, 10), (1, 11), (1, 12)]) == [])
    #expect(try gaps([(1, 11), (1, 12), (1, 11), (1, 12), (1, 13)]) == [])
    #expect(try gaps([(1, 14), (1, 15), (1, 18)]) == ["1: 11-13", "1: 16-17"])
    #expect(try gaps([(1, 10), (2, 8), (2, 9)]) == [])
    #expect(try gaps([(2, 8), (2, 9)]) == ["2: ?-7"])
    #expect(try gaps([(1, 10), (1, 11)], end: (1, 13)) == ["1: 12-13"])
    #expect(try gaps([(1, 10), (1, 11)], end: (1, 11)) == [])
    #expect(try gaps([(1, 10)], end: (1, 9)) == [])
  }
}
