package import AMQP
package import Lifecycle

/// Where the worker's random numbers come from.
package struct RandomSource: RandomNumberGenerator, Sendable {
  private let draw: @Sendable () -> UInt64

  package init(_ draw: @escaping @Sendable () -> UInt64) { self.draw = draw }

  package static let system = RandomSource {
    var generator = SystemRandomNumberGenerator()
    return generator.next()
  }

  package func next() -> UInt64 { draw() }

  /// A version 4 UUID.
  package func uuid() -> UUID128 { UUID128(randomHigh: draw(), randomLow: draw()) }
}

extension UUID128 {
  /// A version 4 UUID from the system's random numbers.
  static func random() -> UUID128 { RandomSource.system.uuid() }
}

extension Backoff {
  package mutating func next(_ random: RandomSource) -> Duration {
    var random = random
    return next(using: &random)
  }
}
