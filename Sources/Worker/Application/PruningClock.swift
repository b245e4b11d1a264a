package import Lifecycle

/// What time it is for whatever expires: never later than the time that has passed since the start allows. A wall clock that
/// jumps ahead for a moment must not have the memory of operations forgotten; one that is behind only keeps it longer.
package struct PruningClock: Sendable {
  private let startedAt: Timestamp

  /// - Parameter now: of the wall clock, at the start.
  package init(startedAt now: Timestamp) { startedAt = now }

  /// - Parameters:
  ///   - now: of the wall clock.
  ///   - passed: since the start, on a monotonic clock.
  package func time(now: Timestamp, passed: Duration) -> Timestamp { min(now, startedAt + passed) }
}
