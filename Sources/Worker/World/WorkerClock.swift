import Glibc
package import Lifecycle

/// The clocks of the worker, and waiting by them.
package protocol WorkerClock: Sendable {
  /// The wall clock, cut to the millisecond: for what is recorded and for `notAfter`.
  var now: Timestamp { get }
  /// Since some moment before the worker began. It never jumps: for whatever lasts.
  var uptime: Duration { get }
  /// - Throws: `CancellationError` when the waiting task is cancelled first.
  func sleep(for duration: Duration) async throws
}

package struct SystemClock: WorkerClock {
  private static let began = ContinuousClock.now

  package init() {}

  package var now: Timestamp { .now }
  package var uptime: Duration { ContinuousClock.now - Self.began }
  package func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

extension Timestamp {
  /// The wall clock, cut to the millisecond.
  static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }
}
