/// Operation UUIDs that look random, as those of real callers do, and still say which command they are of.
struct CommandID {
  /// Tells the runs apart: no two share a UUID.
  let seed: UInt64
  private static let mask: UInt64 = (1 << 60) - 1
  private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15 & mask
  private static let inverse: UInt64 = {
    // Newton's iteration for the inverse of an odd number modulo a power of two.
    var value = factor
    for _ in 0..<6 { value = value &* (2 &- factor &* value) }
    return value & mask
  }()

  /// A version 4 UUID; the last 15 digits carry the number.
  func text(_ number: Int) -> String {
    var high = (UInt64(number) &+ seed) &* 0xBF58_476D_1CE4_E5B9
    high ^= high >> 29
    high = high &* 0x94D0_49BB_1331_11EB
    high ^= high >> 32
    high = high & ~0xF000 | 0x4000
    let low = 0x8 << 60 | Self.mixed(UInt64(number))
    let digits = Self.hex(high) + Self.hex(low)
    return [
      digits[0..<8], digits[8..<12], digits[12..<16], digits[16..<20], digits[20..<32],
    ].map { String(decoding: $0, as: UTF8.self) }.joined(separator: "-")
  }

  /// The number that a UUID was made of.
  static func number(of text: UnsafeRawBufferPointer) -> Int? {
    guard text.count == 36 else { return nil }
    var low: UInt64 = 0
    for index in 20..<36 where index != 23 {
      let byte = text[index]
      let digit = byte >= UInt8(ascii: "a") ? byte - UInt8(ascii: "a") + 10 : byte - UInt8(ascii: "0")
      low = low << 4 | UInt64(digit & 0xF)
    }
    return Int(unmixed(low & mask))
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var value = value & mask
    value ^= value >> 30
    value = value &* factor & mask
    return value ^ value >> 30
  }

  private static func unmixed(_ value: UInt64) -> UInt64 {
    var value = value ^ value >> 30
    value = value &* inverse & mask
    return value ^ value >> 30
  }

  private static func hex(_ word: UInt64) -> [UInt8] {
    (0..<16).map { place in
      let digit = UInt8(word >> UInt64(60 - place * 4) & 0xF)
      return digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
    }
  }
}
