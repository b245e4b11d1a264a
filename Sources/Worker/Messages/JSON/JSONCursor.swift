/// A place in a JSON document, and the tokens that can be read from there.
struct JSONCursor {
  let bytes: [UInt8]
  let maxDepth: Int
  private(set) var position = 0

  init(bytes: [UInt8], maxDepth: Int) {
    self.bytes = bytes
    self.maxDepth = maxDepth
  }

  /// The next byte that is no white space, not taken; `nil` at the end.
  mutating func peek() -> UInt8? {
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
      case let byte: return byte
      }
    }
    return nil
  }

  mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  mutating func expect(_ byte: UInt8, _ expected: StaticString) throws(JSONFault) {
    guard take(byte) else { throw fault(expected) }
  }

  mutating func expectEnd() throws(JSONFault) {
    guard peek() == nil else { throw fault("the end of the document") }
  }

  /// Reads `null`, `true` or `false` whose first byte has been seen.
  mutating func literal(_ word: StaticString) throws(JSONFault) {
    for index in 0..<word.utf8CodeUnitCount {
      guard position < bytes.count, bytes[position] == word.utf8Start[index] else {
        throw fault("null, true or false")
      }
      position += 1
    }
  }

  /// Reads a number (RFC 8259 section 6): its value where it is an integer of 64 bits, else `nil`.
  mutating func number() throws(JSONFault) -> Int64? {
    let isNegative = position < bytes.count && bytes[position] == UInt8(ascii: "-")
    if isNegative { position += 1 }
    guard let first = digit() else { throw fault("a digit") }
    position += 1
    var value: Int64? = isNegative ? -first : first
    if first == 0 {
      guard digit() == nil else { throw fault("a number without leading zeros") }
    } else {
      while let next = digit() {
        value = value.flatMap { Self.appending(next, to: $0, isNegative: isNegative) }
        position += 1
      }
    }
    if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
      position += 1
      try digits()
      value = nil
    }
    if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
        position += 1
      }
      try digits()
      value = nil
    }
    return value
  }

  private static func appending(_ digit: Int64, to value: Int64, isNegative: Bool) -> Int64? {
    let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
    guard !overflow else { return nil }
    let (sum, carried) =
      isNegative ? shifted.subtractingReportingOverflow(digit) : shifted.addingReportingOverflow(digit)
    return carried ? nil : sum
  }

  private func digit() -> Int64? {
    guard position < bytes.count else { return nil }
    let value = bytes[position] &- UInt8(ascii: "0")
    return value < 10 ? Int64(value) : nil
  }

  private mutating func digits() throws(JSONFault) {
    guard digit() != nil else { throw fault("a digit") }
    while digit() != nil { position += 1 }
  }

  /// Reads a string whose opening quotation mark is the next byte.
  mutating func string() throws(JSONFault) -> JSONString {
    position += 1
    let start = position
    var hasEscapes = false
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        position += 1
        return JSONString(start: start, end: position - 1, hasEscapes: hasEscapes)
      } else if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        try escape()
      } else if byte >= 0x80 {
        try multibyte()
      } else if byte >= 0x20 {
        position += 1
      } else {
        throw fault("a string without control characters (they are written as escapes)")
      }
    }
    throw fault("the closing quotation mark of a string")
  }

  /// Steps over one character of two to four bytes, in the well-formed sequences of RFC 3629 section 4.
  private mutating func multibyte() throws(JSONFault) {
    let length: Int
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch bytes[position] {
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: throw fault("well-formed UTF-8")
    }
    guard bytes.count - position >= length, second.contains(bytes[position + 1]) else {
      throw fault("well-formed UTF-8")
    }
    for offset in 2..<length where bytes[position + offset] & 0xC0 != 0x80 {
      throw fault("well-formed UTF-8")
    }
    position += length
  }

  private mutating func escape() throws(JSONFault) {
    guard position + 1 < bytes.count else { throw fault("a complete escape") }
    switch bytes[position + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 2
    case UInt8(ascii: "u"):
      guard let unit = Self.codeUnit(bytes, at: position) else { throw fault("four hexadecimal digits after \\u") }
      if 0xDC00...0xDFFF ~= unit { throw fault("the first half of a surrogate pair before its second") }
      guard 0xD800...0xDBFF ~= unit else {
        position += 6
        return
      }
      guard let low = Self.codeUnit(bytes, at: position + 6), 0xDC00...0xDFFF ~= low else {
        throw fault("both halves of a surrogate pair")
      }
      position += 12
    default: throw fault("one of the escapes of RFC 8259 section 7")
    }
  }

  /// The value of `\uXXXX` at `index`; `nil` where there is none.
  private static func codeUnit(_ bytes: [UInt8], at index: Int) -> UInt32? {
    guard index + 6 <= bytes.count, bytes[index] == UInt8(ascii: "\\"), bytes[index + 1] == UInt8(ascii: "u") else {
      return nil
    }
    var value: UInt32 = 0
    for offset in 2..<6 {
      guard let digit = Character(Unicode.Scalar(bytes[index + offset])).hexDigitValue, bytes[index + offset] < 0x80
      else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  /// The bytes of a string that has been read, its escapes resolved.
  static func unescaped(_ bytes: [UInt8], _ string: JSONString) -> [UInt8] {
    guard string.hasEscapes else { return Array(bytes[string.start..<string.end]) }
    var result: [UInt8] = []
    result.reserveCapacity(string.end - string.start)
    var index = string.start
    while index < string.end {
      guard bytes[index] == UInt8(ascii: "\\") else {
        result.append(bytes[index])
        index += 1
        continue
      }
      switch bytes[index + 1] {
      case UInt8(ascii: "b"): result.append(0x08)
      case UInt8(ascii: "f"): result.append(0x0C)
      case UInt8(ascii: "n"): result.append(0x0A)
      case UInt8(ascii: "r"): result.append(0x0D)
      case UInt8(ascii: "t"): result.append(0x09)
      case UInt8(ascii: "u"):
        let (scalar, length) = scalar(bytes, at: index)
        result.append(contentsOf: Unicode.UTF8.encode(scalar).map(Array.init) ?? [])
        index += length
        continue
      case let plain: result.append(plain)
      }
      index += 2
    }
    return result
  }

  private static func scalar(_ bytes: [UInt8], at index: Int) -> (Unicode.Scalar, length: Int) {
    guard let first = codeUnit(bytes, at: index) else { preconditionFailure("escapes are checked when read") }
    if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
    guard let second = codeUnit(bytes, at: index + 6),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { preconditionFailure("surrogates are checked when read") }
    return (scalar, 12)
  }

  /// What stands here instead of what was expected.
  func fault(_ expected: StaticString) -> JSONFault {
    JSONFault(offset: position, message: "At byte \(position): expected \(expected), found \(found).")
  }

  private var found: String {
    guard position < bytes.count else { return "the end of the bytes" }
    switch bytes[position] {
    case 0: return "a NUL byte"
    case 0x01..<0x20, 0x7F: return "a control character"
    case UInt8(ascii: "0")...UInt8(ascii: "9"): return "a digit"
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): return "a letter"
    case 0xEF where bytes[position...].starts(with: [0xEF, 0xBB, 0xBF]): return "a byte order mark"
    case 0x80...: return "a byte above 127"
    case let byte: return "'\(Character(Unicode.Scalar(byte)))'"
    }
  }
}
