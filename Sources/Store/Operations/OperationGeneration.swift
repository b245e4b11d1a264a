/// A generation: so many operations with ids in a row that they are filed together once there are as many.
///
/// Ids begin at 1 and ascend without gaps as operations are recorded; pruning leaves gaps.
enum OperationGeneration {
  static let size = 1 << 16
  /// Rows of `operation_index` in one generation; a key's hash says which.
  static let bucketCount = 1 << bucketBits
  private static let bucketBits = 7

  static func number(of id: Int64) -> Int64 { (id - 1) / Int64(size) }

  /// The id before its first.
  static func base(_ generation: Int64) -> Int64 { generation * Int64(size) }

  /// The row of `operation_index` with the operations of that generation whose hash begins alike.
  static func bucket(_ generation: Int64, _ hash: UInt64) -> Int64 {
    generation << Int64(bucketBits) | Int64(hash >> UInt64(64 - bucketBits))
  }

  /// The rows of `operation_index` of a generation.
  static func buckets(_ generation: Int64) -> ClosedRange<Int64> {
    let first = generation << Int64(bucketBits)
    return first...first + Int64(bucketCount) - 1
  }
}

/// The operations of one bucket: for each, in 6 bytes, little-endian, 32 bits of its key's hash and its place (16 bits)
/// within the generation.
struct OperationBucket {
  private(set) var bytes: [UInt8] = []

  mutating func append(_ hash: UInt64, place: Int) {
    withUnsafeBytes(of: Self.tag(hash).littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: UInt16(place).littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// The places of the operations that may have a key with that hash, ascending.
  static func places(of hash: UInt64, in bytes: UnsafeRawBufferPointer) -> [Int] {
    let tag = tag(hash).littleEndian
    var places: [Int] = []
    for start in stride(from: 0, through: bytes.count - 6, by: 6)
    where bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self) == tag {
      places.append(Int(UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt16.self))))
    }
    return places
  }

  /// Bits that do not say which bucket it is.
  private static func tag(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 16) }
}
