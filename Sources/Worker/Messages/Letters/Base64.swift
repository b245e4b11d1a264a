/// Base64 with padding (RFC 4648 section 4); the worker's messages need no Foundation otherwise.
package enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  package static func encode(_ bytes: [UInt8]) -> String {
    let length = (bytes.count + 2) / 3 * 4
    return String(unsafeUninitializedCapacity: length) { buffer in
      var place = 0
      for start in stride(from: 0, to: bytes.count, by: 3) {
        let count = min(3, bytes.count - start)
        var group: UInt32 = 0
        for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0) }
        for digit in 0..<4 {
          let index = Int(group >> UInt32(18 - 6 * digit)) & 0x3F
          buffer[place] = digit <= count ? alphabet[index] : UInt8(ascii: "=")
          place += 1
        }
      }
      return length
    }
  }

  /// `nil` for anything but whole groups of four with the padding where it belongs and no stray bits.
  package static func decode(_ text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(digits.count / 4 * 3)
    for start in stride(from: 0, to: digits.count, by: 4) {
      let isLast = start + 4 == digits.count
      let padding = isLast ? digits[start...].reversed().prefix { $0 == UInt8(ascii: "=") }.count : 0
      guard padding <= 2 else { return nil }
      var group: UInt32 = 0
      for offset in 0..<4 {
        guard let value = offset < 4 - padding ? value(digits[start + offset]) : 0 else { return nil }
        group = group << 6 | value
      }
      let kept = 3 - padding
      for offset in 0..<3 {
        let byte = UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * offset))
        if offset < kept { bytes.append(byte) } else if byte != 0 { return nil }
      }
    }
    return bytes
  }

  private static func value(_ digit: UInt8) -> UInt32? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a") + 26)
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0") + 52)
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
