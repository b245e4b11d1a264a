package import Lifecycle

/// Writes JSON (RFC 8259) by appending bytes, without building a tree first. The caller keeps the order of calls right:
/// inside an object every value has its ``key(_:)``.
package struct JSONWriter {
  package private(set) var bytes: [UInt8] = []
  private var needsComma = false

  package init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

  package mutating func beginObject() { begin(UInt8(ascii: "{")) }
  package mutating func endObject() { end(UInt8(ascii: "}")) }
  package mutating func beginArray() { begin(UInt8(ascii: "[")) }
  package mutating func endArray() { end(UInt8(ascii: "]")) }

  private mutating func begin(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func end(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  /// Writes a name that needs no escapes.
  package mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    raw(name)
    bytes.append(UInt8(ascii: "\""))
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  /// Writes any name.
  package mutating func key(_ name: String) {
    value(name)
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  package mutating func null() {
    separate()
    raw("null")
  }

  package mutating func value(_ flag: Bool) {
    separate()
    raw(flag ? "true" : "false")
  }

  package mutating func value(_ number: Int64) {
    separate()
    digits(number.magnitude, isNegative: number < 0, width: 1)
  }

  package mutating func value(_ text: String) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    escaped(text)
    bytes.append(UInt8(ascii: "\""))
  }

  package mutating func value(_ uuid: UUID128) {
    fixed(length: 36) { uuid.write(to: $0) }
  }

  package mutating func value(_ moment: Timestamp) {
    fixed(length: Timestamp.textLength) { moment.write(to: $0) }
  }

  /// Writes a number as a string of 20 digits, so that texts sort as the numbers do.
  package mutating func sortable(_ number: Int64) {
    precondition(number >= 0, "positions and versions are not negative")
    separate()
    bytes.append(UInt8(ascii: "\""))
    digits(number.magnitude, isNegative: false, width: 20)
    bytes.append(UInt8(ascii: "\""))
  }

  /// Writes a string made of parts that need no escapes.
  package mutating func value(_ prefix: StaticString, _ number: Int64) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    raw(prefix)
    digits(number.magnitude, isNegative: number < 0, width: 1)
    bytes.append(UInt8(ascii: "\""))
  }

  /// Writes a string made of parts that need no escapes.
  package mutating func value(_ prefix: StaticString, _ middle: String, _ suffix: StaticString = "") {
    separate()
    bytes.append(UInt8(ascii: "\""))
    raw(prefix)
    append(middle)
    raw(suffix)
    bytes.append(UInt8(ascii: "\""))
  }

  /// Writes a value that is JSON already.
  package mutating func verbatim(_ json: [UInt8]) {
    separate()
    bytes.append(contentsOf: json)
  }

  package mutating func value(_ detail: Detail) {
    switch detail {
    case .null: null()
    case .boolean(let flag): value(flag)
    case .integer(let number): value(number)
    case .text(let text): value(text)
    case .list(let list):
      beginArray()
      for element in list { value(element) }
      endArray()
    case .fields(let fields): value(fields)
    }
  }

  /// Writes an object of these fields.
  package mutating func value(_ fields: [Detail.Field]) {
    beginObject()
    for field in fields {
      key(field.name)
      value(field.value)
    }
    endObject()
  }

  private mutating func raw(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  private mutating func append(_ text: String) {
    var text = text
    text.withUTF8 { bytes.append(contentsOf: $0) }
  }

  private mutating func fixed(length: Int, _ write: (UnsafeMutableBufferPointer<UInt8>) -> Void) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: length) { buffer in
      buffer.initialize(repeating: 0)
      write(buffer)
      bytes.append(contentsOf: buffer)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func digits(_ magnitude: UInt64, isNegative: Bool, width: Int) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 21) { buffer in
      buffer.initialize(repeating: UInt8(ascii: "0"))
      var rest = magnitude
      var start = 21
      while rest > 0 {
        start -= 1
        buffer[start] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
      start = min(start, 21 - width)
      if isNegative {
        start -= 1
        buffer[start] = UInt8(ascii: "-")
      }
      bytes.append(contentsOf: UnsafeMutableBufferPointer(rebasing: buffer[start...]))
    }
  }

  /// Whether there are eight more bytes and none of them needs an escape (S. E. Anderson's "hasless" and "haszero").
  private static func isPlain(_ utf8: UnsafeBufferPointer<UInt8>, at index: Int) -> Bool {
    guard index + 8 <= utf8.count else { return false }
    let word = UnsafeRawBufferPointer(utf8).loadUnaligned(fromByteOffset: index, as: UInt64.self)
    let (ones, tops) = (0x0101_0101_0101_0101 as UInt64, 0x8080_8080_8080_8080 as UInt64)
    let quotes = word ^ ones &* UInt64(UInt8(ascii: "\""))
    let backslashes = word ^ ones &* UInt64(UInt8(ascii: "\\"))
    let escapes =
      (word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (backslashes &- ones) & ~backslashes
    return escapes & tops == 0
  }

  /// Appends a text with the escapes of RFC 8259 section 7, in runs between them.
  private mutating func escaped(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      var runStart = 0
      var index = 0
      while index < utf8.count {
        if Self.isPlain(utf8, at: index) {
          index += 8
          continue
        }
        let byte = utf8[index]
        index += 1
        guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[runStart..<index - 1]))
        runStart = index
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
          raw("u00")
          bytes.append(UInt8(ascii: "0") + byte >> 4)
          bytes.append(byte & 0xF < 10 ? UInt8(ascii: "0") + byte & 0xF : UInt8(ascii: "a") + byte & 0xF - 10)
        }
      }
      bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[runStart...]))
    }
  }
}
