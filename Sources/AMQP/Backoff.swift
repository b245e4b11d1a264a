/// How long to wait before the next try: doubling, bounded, with jitter, so that many workers do not come back in step.
///
/// The n-th delay is random between half and all of `min(maximum, initial · 2ⁿ)`.
package struct Backoff: Sendable, Hashable {
  package let initial: Duration
  package let maximum: Duration
  /// Tries so far since the last `reset()`.
  package private(set) var attempts = 0

  /// - Precondition: 0 < initial ≤ maximum.
  package init(initial: Duration = .milliseconds(200), maximum: Duration = .seconds(30)) {
    precondition(initial > .zero && initial <= maximum, "a back-off needs 0 < initial ≤ maximum")
    self.initial = initial
    self.maximum = maximum
  }

  /// The next delay.
  package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
    var ceiling = initial
    for _ in 0..<attempts where ceiling < maximum { ceiling = min(ceiling * 2, maximum) }
    attempts += 1
    return ceiling * Double.random(in: 0.5...1, using: &generator)
  }

  package mutating func next() -> Duration {
    var generator = SystemRandomNumberGenerator()
    return next(using: &generator)
  }

  /// It worked: begin again with the shortest delay.
  package mutating func reset() { attempts = 0 }
}
