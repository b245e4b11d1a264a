/// Which filed generations may hold a key: a Bloom filter (Bloom, 1970) for each generation, 16 bits an operation, 8 of
/// them set. It says yes of about one generation in 1,700 that does not hold the key.
///
/// A key is asked for in all generations at once: the filters of 32 generations lie across one another, so that one word
/// has the same bit of all of them, and eight words answer for 32 generations (two million operations) in 4 MiB.
struct OperationFilters {
  /// Length of a stored filter.
  static let byteCount = positions / 8
  private static let positions = 1 << 20
  private static let bitsPerKey: UInt64 = 8
  private static let width: Int64 = 32

  /// By the number of their first generation, divided by ``width``.
  private var groups: [Int64: [UInt32]] = [:]

  /// The stored form of one generation's filter: bit n is bit n % 8 of byte n / 8.
  static func encode(_ hashes: [UInt64]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    for hash in hashes where hash != 0 {
      for bit in 0..<bitsPerKey {
        let position = position(hash, bit)
        bytes[position >> 3] |= 1 << UInt8(position & 7)
      }
    }
    return bytes
  }

  mutating func add(_ generation: Int64, _ filter: UnsafeRawBufferPointer) {
    precondition(filter.count == Self.byteCount, "a filter has one length")
    let column: UInt32 = 1 << UInt32(generation % Self.width)
    groups[generation / Self.width, default: [UInt32](repeating: 0, count: Self.positions)]
      .withUnsafeMutableBufferPointer { words in
        for index in 0..<filter.count / 8 {
          var bits = UInt64(littleEndian: filter.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
          while bits != 0 {
            words[index * 64 + bits.trailingZeroBitCount] |= column
            bits &= bits - 1
          }
        }
      }
  }

  /// Forgets the groups that have only generations before that one.
  mutating func removeGroups(before generation: Int64) {
    groups = groups.filter { ($0.key + 1) * Self.width > generation }
  }

  /// The generations that may hold a key with that hash, ascending.
  func candidates(_ hash: UInt64) -> [Int64] {
    var generations: [Int64] = []
    for (group, words) in groups {
      var mask = UInt32.max
      for bit in 0..<Self.bitsPerKey {
        mask &= words[Self.position(hash, bit)]
        if mask == 0 { break }
      }
      while mask != 0 {
        generations.append(group * Self.width + Int64(mask.trailingZeroBitCount))
        mask &= mask - 1
      }
    }
    if generations.count > 1 { generations.sort() }
    return generations
  }

  /// Two independent halves stand for eight hashes (Kirsch and Mitzenmacher, 2006).
  private static func position(_ hash: UInt64, _ bit: UInt64) -> Int {
    let (step, start) = (hash >> 32 | 1, hash & 0xFFFF_FFFF)
    return Int((start &+ bit &* step) & UInt64(positions - 1))
  }
}
