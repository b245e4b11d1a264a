import Synchronization
import Testing
import Worker

@Suite(.timeLimit(.minutes(1))) struct WatchedTests {
  @Test func aConditionThatHoldsAlreadyReturnsAtOnce() async throws {
    #expect(try await Watched(3).wait { $0 > 2 } == 3)
  }

  @Test("A waiter is woken by the change that fulfils its condition, with that very value")
  func wakes() async throws {
    let watched = Watched(0)
    let waiting = Task { try await watched.wait { $0 >= 2 } }
    watched.set(1)
    watched.set(2)
    // Woken by 2 unless it had not begun to wait: then it sees what is there.
    watched.set(5)
    #expect([2, 5].contains(try await waiting.value))
  }

  @Test("Many waiters, each for its own value: all are woken, once")
  func manyWaiters() async throws {
    let watched = Watched(0)
    let values = try await withThrowingTaskGroup(of: Int.self) { group in
      for wanted in 1...200 { group.addTask { try await watched.wait { $0 >= wanted } >= wanted ? wanted : -1 } }
      for value in 1...200 {
        watched.update { $0 = value }
        await Task.yield()
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(values.sorted() == Array(1...200))
  }

  @Test("Cancelling ends the wait, before and after it began, and leaves other waiters alone")
  func cancellation() async throws {
    let watched = Watched(false)
    for _ in 0..<200 {
      let waiting = Task { try await watched.wait { $0 } }
      if Bool.random() { await Task.yield() }
      waiting.cancel()
      await #expect(throws: CancellationError.self) { try await waiting.value }
    }
    let other = Task { try await watched.wait { $0 } }
    watched.set(true)
    #expect(try await other.value)
  }

  @Test("A wait with a limit ends when time is up, with nil")
  func timeIsUp() async throws {
    let watched = Watched(0)
    #expect(try await watched.wait(atMost: .milliseconds(5)) { $0 > 0 } == nil)
    #expect(try await watched.wait(atMost: .seconds(60)) { $0 == 0 } == 0)
  }

  @Test("update returns what the change returns, and changes are not lost between threads")
  func updates() async {
    let watched = Watched(0)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 { group.addTask { for _ in 0..<1000 { watched.update { $0 += 1 } } } }
    }
    #expect(watched.update { $0 } == 8000)
    #expect(watched.value == 8000)
  }
}
