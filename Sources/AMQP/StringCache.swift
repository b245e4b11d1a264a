import CRabbitMQ
import Glibc

/// Strings from the wire, each made once while it keeps coming: exchanges, routing keys, types and the like repeat with
/// every message, and checking and copying them is what a delivery would otherwise spend its time on.
struct StringCache {
  private static let slotCount = 128
  /// Swift keeps these inline: nothing to save.
  private static let inlineBytes = 15

  private var slots = [String?](repeating: nil, count: slotCount)

  /// The string of these bytes, as ``ShortString`` has it.
  mutating func string(_ bytes: amqp_bytes_t) -> String {
    guard bytes.len > Self.inlineBytes, bytes.len <= 255, let base = bytes.bytes else { return Self.uncached(bytes) }
    let start = base.loadUnaligned(as: UInt64.self)
    let end = base.loadUnaligned(fromByteOffset: bytes.len - 8, as: UInt64.self)
    let hash = (start ^ (end &* 0x9E37_79B9_7F4A_7C15) ^ UInt64(bytes.len)) &* 0x9E37_79B9_7F4A_7C15
    let slot = Int(truncatingIfNeeded: hash >> 57)
    if let known = slots[slot], Self.isEqual(known, bytes.len, base) { return known }
    let string = Self.uncached(bytes)
    slots[slot] = string
    return string
  }

  private static func isEqual(_ known: String, _ count: Int, _ bytes: UnsafeMutableRawPointer) -> Bool {
    known.utf8.withContiguousStorageIfAvailable { storage in
      guard storage.count == count, let base = storage.baseAddress else { return false }
      return memcmp(base, bytes, count) == 0
    } ?? false
  }

  static func uncached(_ bytes: amqp_bytes_t) -> String {
    guard let base = bytes.bytes, bytes.len > 0 else { return "" }
    return ShortString.decode(UnsafeRawBufferPointer(start: base, count: bytes.len))
  }
}
