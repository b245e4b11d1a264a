/// What the worker cannot decide for itself: what time it is, what is random, and how it reaches the broker. All of it
/// behind protocols, so that a simulation can be the world and repeat a run exactly; the store is the fourth.
package struct World: Sendable {
  package let clock: any WorkerClock
  package let random: RandomSource
  package let broker: any Broker

  package init(clock: any WorkerClock, random: RandomSource, broker: any Broker) {
    self.clock = clock
    self.random = random
    self.broker = broker
  }

  /// The one that there is.
  package static func real(_ settings: Settings) -> World {
    World(clock: SystemClock(), random: .system, broker: AMQPBroker(settings: settings))
  }
}
