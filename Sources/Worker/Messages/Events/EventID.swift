package import Lifecycle

/// The id of an event: a UUID of version 8 (RFC 9562 section 5.8) that follows from where the event stands, so that it
/// is the same every time it is published and need not be stored.
///
/// | bits | what |
/// |---|---|
/// | 48 (`custom_a`) | position; so ids of one epoch sort as the events do |
/// | 4 | version, 8 |
/// | 12 (`custom_b`) | the upper 12 of the 16 bits of the epoch |
/// | 2 | variant, binary 10 |
/// | 4 (first of `custom_c`) | the lower 4 bits of the epoch |
/// | 58 (rest of `custom_c`) | the last 58 bits of the store's UUID, all of them random in versions 4 and 7 |
///
/// Within a store no two positions of an epoch share an id; two stores share ids only if those 58 bits are the same.
package enum EventID {
  /// 2^48−1: 890 years of 10,000 events a second.
  package static let maxPosition: Int64 = 1 << 48 - 1
  package static let maxEpoch: Int64 = 1 << 16 - 1

  /// - Precondition: `epoch` is 0...``maxEpoch``, `position` 0...``maxPosition``.
  package static func make(storeID: UUID128, epoch: Int64, position: Int64) -> UUID128 {
    precondition((0...maxEpoch).contains(epoch), "an epoch is a number of 16 bits")
    precondition((0...maxPosition).contains(position), "a position is a number of 48 bits")
    let (epoch, position) = (UInt64(epoch), UInt64(position))
    return UUID128(
      high: position << 16 | 0x8000 | epoch >> 4,
      low: 0b10 << 62 | (epoch & 0xF) << 58 | storeID.low & (1 << 58 - 1))
  }

  /// What an id tells of where its event stands; whose store it is, only as far as it is in the id.
  package struct Parts: Hashable, Sendable {
    package let epoch: Int64
    package let position: Int64
    /// The last 58 bits of the store's UUID.
    package let store: UInt64

    /// Whether an event of that store may have it.
    package func fits(_ storeID: UUID128) -> Bool { store == storeID.low & (1 << 58 - 1) }
  }

  /// Takes an id apart. `nil`: it is none that ``make(storeID:epoch:position:)`` makes.
  package static func parts(of id: UUID128) -> Parts? {
    guard id.high & 0xF000 == 0x8000, id.low >> 62 == 0b10 else { return nil }
    return Parts(
      epoch: Int64((id.high & 0xFFF) << 4 | id.low >> 58 & 0xF), position: Int64(id.high >> 16),
      store: id.low & (1 << 58 - 1))
  }
}
