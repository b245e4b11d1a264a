package import AMQP
package import Lifecycle

/// What holds for one batch: the settings that decide, who this store is, and what time it is.
package struct BatchRules: Sendable {
  package let topology: Topology
  package let intake: Intake
  package let patience: Duration
  /// The wall clock, for what is recorded and for `notAfter`.
  package let now: Timestamp
  /// The monotonic clock, for patience: a jump of the wall clock ends nobody's.
  package let monotonicNow: Duration
  /// For fresh ids.
  package let random: RandomSource

  package var patienceDeadline: Duration { monotonicNow + patience }

  package init(
    topology: Topology, intake: Intake, patience: Duration, now: Timestamp, monotonicNow: Duration,
    random: RandomSource = .system
  ) {
    self.topology = topology
    self.intake = intake
    self.patience = patience
    self.now = now
    self.monotonicNow = monotonicNow
    self.random = random
  }
}

extension CommandTask {
  package typealias Tag = DeliveryTag
  package typealias Message = Delivery
}
