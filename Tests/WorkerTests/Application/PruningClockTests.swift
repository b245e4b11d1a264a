import Lifecycle
import Testing
import Worker

/// A wall clock that jumps, and what expires by it (failure 28).
@Suite struct PruningClockTests {
  private let start = Timestamp(milliseconds: 1_800_000_000_000)

  @Test("A clock that goes as it should is the clock")
  func steady() {
    let clock = PruningClock(startedAt: start)
    for hours in [0, 1, 24, 400 * 24] {
      let now = start + .seconds(3600 * hours)
      #expect(clock.time(now: now, passed: .seconds(3600 * hours)) == now)
    }
  }

  @Test("A jump ahead, for a moment or for good, makes nothing older than the time that has passed")
  func ahead() {
    let clock = PruningClock(startedAt: start)
    #expect(clock.time(now: start + .seconds(500 * 86_400), passed: .seconds(60)) == start + .seconds(60))
    #expect(clock.time(now: start + .seconds(120), passed: .seconds(120)) == start + .seconds(120))
  }

  @Test("A jump back makes everything younger")
  func back() {
    let clock = PruningClock(startedAt: start)
    #expect(clock.time(now: start - .seconds(86_400), passed: .seconds(60)) == start - .seconds(86_400))
  }
}
