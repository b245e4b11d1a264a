import Synchronization

/// Counts down across threads; says once that it has reached zero.
final class Countdown: Sendable {
  private let remaining: Atomic<Int>
  init(_ count: Int) { remaining = Atomic(count) }
  func reachedZero() -> Bool { remaining.wrappingSubtract(1, ordering: .relaxed).newValue == 0 }
}
