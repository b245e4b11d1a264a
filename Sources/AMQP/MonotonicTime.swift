import Glibc

/// A moment on the monotonic clock, in nanoseconds. Cheaper than `ContinuousClock` where every frame asks for it.
struct MonotonicTime: Sendable, Comparable {
  let nanoseconds: UInt64

  static var now: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }

  static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
    time + duration.wholeNanoseconds
  }

  static func + (time: MonotonicTime, nanoseconds: UInt64) -> MonotonicTime {
    MonotonicTime(nanoseconds: time.nanoseconds &+ nanoseconds)
  }

  /// Milliseconds until then, rounded up so that nobody wakes too early to find nothing due; 0 when it has passed.
  func milliseconds(after now: MonotonicTime) -> Int32 {
    guard now < self else { return 0 }
    return Int32(clamping: (nanoseconds - now.nanoseconds + 999_999) / 1_000_000)
  }
}

extension Duration {
  /// Not below 0.
  var wholeNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
  }

  /// For C, which wants seconds and microseconds.
  var timeval: Glibc.timeval {
    let nanoseconds = wholeNanoseconds
    return Glibc.timeval(
      tv_sec: Int(nanoseconds / 1_000_000_000), tv_usec: Int(nanoseconds % 1_000_000_000 / 1000))
  }
}
