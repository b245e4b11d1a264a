/// A UUID (RFC 9562) as the 128-bit value it is: two spellings of one UUID are equal.
///
/// The core has no Foundation, and Foundation's type is sixteen loose bytes; two words compare and hash faster.
package struct UUID128: Hashable, Comparable, Sendable {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  package static func < (left: UUID128, right: UUID128) -> Bool {
    (left.high, left.low) < (right.high, right.low)
  }

  /// A version 4 UUID made of the given random bits (RFC 9562 section 5.4).
  package init(randomHigh: UInt64, randomLow: UInt64) {
    high = randomHigh & ~0xF000 | 0x4000
    low = randomLow & ~(0b11 << 62) | (0b10 << 62)
  }

  /// Reads the 36-character form, in either case. `nil` for anything else.
  package init?(_ text: some StringProtocol) {
    let parsed = text.utf8.withContiguousStorageIfAvailable { Self.parse($0) }
    guard let value = parsed ?? Array(text.utf8).withUnsafeBufferPointer({ Self.parse($0) }) else { return nil }
    self = value
  }

  /// Reads the 36 bytes of the textual form (RFC 9562 section 4), in either case. `nil` for anything else.
  package init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
    guard let value = Self.parse(bytes) else { return nil }
    self = value
  }

  private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> UUID128? {
    guard bytes.count == 36 else { return nil }
    var words: (UInt64, UInt64) = (0, 0)
    var digits = 0
    for index in 0..<36 {
      let byte = bytes[index]
      if index == 8 || index == 13 || index == 18 || index == 23 {
        guard byte == UInt8(ascii: "-") else { return nil }
        continue
      }
      guard let nibble = hexValue(byte) else { return nil }
      if digits < 16 { words.0 = words.0 << 4 | nibble } else { words.1 = words.1 << 4 | nibble }
      digits += 1
    }
    return UUID128(high: words.0, low: words.1)
  }

  private static func hexValue(_ byte: UInt8) -> UInt64? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
  }

  /// Writes the 36 lower-case bytes of the textual form into `buffer`, which has room for them.
  package func write(to buffer: UnsafeMutableBufferPointer<UInt8>) {
    guard buffer.count >= 36, let start = buffer.baseAddress else { preconditionFailure("a UUID needs 36 bytes") }
    let text = UnsafeMutableRawPointer(start)
    let (second, third) = (Self.hexDigits(UInt32(truncatingIfNeeded: high)), Self.hexDigits(UInt32(low >> 32)))
    text.storeBytes(of: Self.hexDigits(UInt32(high >> 32)).bigEndian, as: UInt64.self)
    text.storeBytes(of: UInt32(second >> 32).bigEndian, toByteOffset: 9, as: UInt32.self)
    text.storeBytes(of: UInt32(truncatingIfNeeded: second).bigEndian, toByteOffset: 14, as: UInt32.self)
    text.storeBytes(of: UInt32(third >> 32).bigEndian, toByteOffset: 19, as: UInt32.self)
    text.storeBytes(of: UInt32(truncatingIfNeeded: third).bigEndian, toByteOffset: 24, as: UInt32.self)
    text.storeBytes(
      of: Self.hexDigits(UInt32(truncatingIfNeeded: low)).bigEndian, toByteOffset: 28, as: UInt64.self)
    buffer[8] = UInt8(ascii: "-")
    buffer[13] = UInt8(ascii: "-")
    buffer[18] = UInt8(ascii: "-")
    buffer[23] = UInt8(ascii: "-")
  }

  /// The eight lower-case digits of a number, the first in the highest byte: all at once instead of one by one.
  private static func hexDigits(_ number: UInt32) -> UInt64 {
    var nibbles = UInt64(number)
    nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
    nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
    nibbles = (nibbles | nibbles << 4) & 0x0F0F_0F0F_0F0F_0F0F
    // 1 in the bytes of 10 and above.
    let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
    return nibbles &+ 0x3030_3030_3030_3030 &+ letters &* UInt64(UInt8(ascii: "a") - UInt8(ascii: "0") - 10)
  }
}

extension UUID128: CustomStringConvertible {
  /// The 36-character lower-case form.
  package var description: String {
    String(unsafeUninitializedCapacity: 36) { buffer in
      write(to: buffer)
      return 36
    }
  }
}
