import AMQP
import Testing

@Suite
struct BackoffTests {
  @Test("Delays double up to the maximum, each between half and all of its ceiling")
  func doubles() {
    var backoff = Backoff(initial: .seconds(1), maximum: .seconds(10))
    for ceiling in [1, 2, 4, 8, 10, 10] {
      let delay = backoff.next()
      #expect(delay >= .seconds(ceiling) / 2)
      #expect(delay <= .seconds(ceiling))
    }
    #expect(backoff.attempts == 6)
    backoff.reset()
    #expect(backoff.next() <= .seconds(1))
  }

  @Test("Workers do not come back in step")
  func jitters() {
    var delays: Set<Duration> = []
    for _ in 0..<20 {
      var backoff = Backoff()
      delays.insert(backoff.next())
    }
    #expect(delays.count > 10)
  }

  @Test("Any number of attempts is possible")
  func lasts() {
    var backoff = Backoff(initial: .nanoseconds(1), maximum: .seconds(3600))
    for _ in 0..<10_000 { _ = backoff.next() }
    #expect(backoff.next() >= .seconds(1800))
  }
}
