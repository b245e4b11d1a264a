import AMQP
import Lifecycle
import Store
import TestSupport
import Testing
import Worker

@Suite("Replays of several attempts of one operation")
struct ReplayDedupTests {
  /// Found by the random killer: attempts 1, 3 and 5 were refused; the replay of 1 was applied, and that of 3 was told that
  /// it had never been seen.
  @Test("An allocate whose first attempt was given a server answers the replays of its later ones")
  func laterAttemptsOfAnAllocate() async throws {
    let desk = try await Desk()
    try await desk.run(.quota(7))
    for attempt in [1, 3, 5] { try await desk.run(Order.allocate(7, op: 1).attempt(attempt)) }
    let letters = try await desk.letters()
    #expect(letters.map(\.code) == [.noCapacity, .noCapacity, .noCapacity])
    try await desk.run(.enroll(1), .enroll(2))
    try await desk.store.commit(owner: nil) { [now = desk.now] transaction throws(StoreError) in
      for letter in letters {
        _ = try transaction.askReplay(of: letter.id, by: "ann", reason: nil, at: now, maxFailures: nil)
      }
    }
    _ = try await desk.newEvents()
    for (letter, attempt) in zip(letters, [1, 3, 5]) {
      var order = Order.allocate(7, op: 1).attempt(attempt)
      order.headers = [ReplayTicket.header: .string(Array("\(letter.id)/1".utf8))]
      try await desk.run(order)
    }
    #expect(try await desk.letters().map(\.state) == [.resolved, .resolved, .resolved])
    #expect(
      try await desk.newEvents().map(\.routingKey) == [
        "server.allocated.allocated.18", "command.allocate.replayed",
      ])
    #expect(try await desk.server(2)?.state == .available)
  }
}
