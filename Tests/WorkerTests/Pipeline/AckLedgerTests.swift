import AMQP
import Testing
import Worker

@Suite struct AckLedgerTests {
  private func tags(_ values: UInt64...) -> [DeliveryTag] { values.map { DeliveryTag(generation: 1, value: $0) } }
  private func tag(_ value: UInt64) -> DeliveryTag { DeliveryTag(generation: 1, value: value) }

  @Test func aBatchWithoutParkedOnesIsOneAck() {
    var ledger = AckLedger()
    let acks = ledger.acks(settled: tags(3, 1, 2), parked: tags())
    #expect(acks == .init(upTo: tag(3), single: []))
  }

  @Test func aboveTheLowestParkedOneEachIsAckedAlone() {
    var ledger = AckLedger()
    let acks = ledger.acks(settled: tags(1, 2, 4, 6), parked: tags(3, 5))
    #expect(acks == .init(upTo: tag(2), single: tags(4, 6)))
  }

  @Test func aParkedFirstOneLeavesNothingToAckAtOnce() {
    var ledger = AckLedger()
    #expect(ledger.acks(settled: tags(2, 3), parked: tags(1)) == .init(upTo: nil, single: tags(2, 3)))
    #expect(ledger.acks(settled: tags(1), parked: tags()) == .init(upTo: tag(1), single: []))
  }

  @Test func nothingSettledAcksNothing() {
    var ledger = AckLedger()
    #expect(ledger.acks(settled: tags(), parked: tags(1)) == .init(upTo: nil, single: []))
  }

  /// Every tag is acked exactly once the first time it may be, and a parked one never, whatever the order.
  @Test(arguments: 0..<50 as Range<UInt64>) func everySettledTagIsCoveredAndNoParkedOneIs(seed: UInt64) {
    var random = SplitMix64(state: seed)
    var ledger = AckLedger()
    var parked: Set<UInt64> = []
    var acked: Set<UInt64> = []
    var next: UInt64 = 1
    for _ in 0..<200 {
      var settled: [UInt64] = []
      for _ in 0..<Int.random(in: 0...5, using: &random) {
        if Bool.random(using: &random) { settled.append(next) } else { parked.insert(next) }
        next += 1
      }
      if let leaves = parked.randomElement(using: &random), Bool.random(using: &random) {
        parked.remove(leaves)
        settled.append(leaves)
      }
      let acks = ledger.acks(settled: settled.map(tag), parked: parked.map(tag))
      if let upTo = acks.upTo { acked.formUnion(1...upTo.value) }
      for single in acks.single { #expect(acked.insert(single.value).inserted, "seed \(seed)") }
      #expect(acked.isDisjoint(with: parked), "seed \(seed)")
      #expect(acked.isSuperset(of: settled), "seed \(seed)")
    }
  }
}

/// A small generator with a seed, so that a failure can be had again (Steele, Lea, Flood 2014).
struct SplitMix64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
