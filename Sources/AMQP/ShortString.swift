/// AMQP's short strings (AMQP 0-9-1, section 4.2.5.3: at most 255 bytes of UTF-8) as Swift strings.
///
/// Nobody sees to it that they are UTF-8: RabbitMQ passes on what it is given. So that no byte is lost and strings that
/// differ stay different, a byte that is no part of UTF-8 becomes one of the 256 private characters from U+10FE00 on, and
/// that byte again on the way out. Those characters themselves, which nobody uses, are taken for such bytes.
package enum ShortString {
  package static let maxBytes = 255
  private static let firstEscape: UInt32 = 0x10_FE00

  /// How many bytes it has on the wire.
  package static func byteCount(_ text: String) -> Int {
    let count = text.utf8.count
    return mayHaveEscapes(text) ? count - 3 * text.unicodeScalars.count { byte(of: $0) != nil } : count
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) -> String {
    if let text = String(validating: bytes, as: UTF8.self), !mayHaveEscapes(text) { return text }
    var text = String.UnicodeScalarView()
    var parser = UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var position = 0
    while true {
      switch parser.parseScalar(from: &iterator) {
      case .emptyInput: return String(text)
      case .valid(let units):
        let scalar = UTF8.decode(units)
        if byte(of: scalar) == nil {
          text.append(scalar)
        } else {
          for byte in bytes[position..<position + units.count] { text.append(escape(byte)) }
        }
        position += units.count
      case .error(let length):
        for byte in bytes[position..<position + length] { text.append(escape(byte)) }
        position += length
      }
    }
  }

  /// The bytes of the wire, where they are not simply those of the text.
  static func escapedBytes(_ text: String) -> [UInt8]? {
    guard mayHaveEscapes(text) else { return nil }
    var bytes: [UInt8] = []
    for scalar in text.unicodeScalars {
      if let byte = byte(of: scalar) { bytes.append(byte) } else { bytes += scalar.utf8 }
    }
    return bytes
  }

  private static func escape(_ byte: UInt8) -> Unicode.Scalar {
    guard let scalar = Unicode.Scalar(firstEscape + UInt32(byte)) else {
      preconditionFailure("U+10FE00 to U+10FEFF are characters")
    }
    return scalar
  }

  private static func byte(of scalar: Unicode.Scalar) -> UInt8? {
    scalar.value < firstEscape ? nil : UInt8(exactly: scalar.value - firstEscape)
  }

  /// They all begin with F4 in UTF-8, as almost no text does.
  private static func mayHaveEscapes(_ text: String) -> Bool { text.utf8.contains(0xF4) }
}
