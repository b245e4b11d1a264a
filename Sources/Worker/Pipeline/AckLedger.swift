package import AMQP

/// Which acks a batch allows: one (multiple) up to the tag before the lowest parked one, single ones above it.
///
/// Holds for one channel: its delivery tags ascend by one, and every batch takes what was delivered without a gap.
package struct AckLedger: Sendable {
  package struct Acks: Hashable, Sendable {
    package let upTo: DeliveryTag?
    package let single: [DeliveryTag]

    package init(upTo: DeliveryTag?, single: [DeliveryTag]) {
      self.upTo = upTo
      self.single = single
    }
  }

  private var acknowledged: DeliveryTag?

  package init() {}

  /// - Parameters:
  ///   - settled: the tags whose transaction is durable since the last call, in any order.
  ///   - parked: the tags that stay un-acked.
  package mutating func acks(settled: [DeliveryTag], parked: some Sequence<DeliveryTag>) -> Acks {
    let lowestParked = parked.min()
    let below = settled.filter { tag in lowestParked.map { tag < $0 } ?? true }
    let single = settled.filter { tag in lowestParked.map { tag > $0 } ?? false }
    var upTo = below.max()
    if let last = acknowledged, let candidate = upTo, candidate <= last { upTo = nil }
    if let upTo { acknowledged = upTo }
    return Acks(upTo: upTo, single: single.sorted())
  }
}
