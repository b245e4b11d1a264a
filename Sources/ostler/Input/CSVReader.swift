/// One record of a CSV file, with the line that it begins on (from 1).
package struct CSVRecord: Equatable {
  package let line: Int
  package let fields: [String]

  package init(line: Int, fields: [String]) {
    self.line = line
    self.fields = fields
  }
}

/// What is wrong with a CSV file, and on which line.
package struct CSVError: Error, Equatable {
  package let line: Int
  package let message: String

  package init(line: Int, message: String) {
    self.line = line
    self.message = message
  }
}

/// Reads CSV as RFC 4180 has it: quoted fields with doubled quotes, commas and line ends inside them, records ended by
/// CRLF or LF, an optional byte order mark at the very beginning. Empty lines are passed over.
///
/// Bounded: a record has at most ``maxRecordBytes`` and ``maxFields``.
package struct CSVReader: Sequence, IteratorProtocol {
  package static let maxRecordBytes = 65_536
  package static let maxFields = 64

  private let bytes: [UInt8]
  private var position: Int
  private var line = 1
  private var isBroken = false

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
    position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
  }

  /// The next record, or what is wrong with it. After a mistake in quoting nothing behind it can be trusted: it is the last.
  package mutating func next() -> Result<CSVRecord, CSVError>? {
    guard !isBroken else { return nil }
    while position < bytes.count, let length = lineEnd(at: position) {
      position += length
      line += 1
    }
    guard position < bytes.count else { return nil }
    do {
      return .success(try record())
    } catch {
      isBroken = true
      return .failure(error)
    }
  }

  private mutating func record() throws(CSVError) -> CSVRecord {
    let first = line
    let start = position
    var fields: [String] = []
    while true {
      let field = try field(start: start, firstLine: first)
      guard fields.count < Self.maxFields else {
        throw CSVError(line: first, message: "more than \(Self.maxFields) fields in one record")
      }
      guard let text = String(validating: field, as: UTF8.self) else {
        throw CSVError(line: first, message: "field \(fields.count + 1) is not UTF-8 text")
      }
      fields.append(text)
      guard position < bytes.count else { return CSVRecord(line: first, fields: fields) }
      if let length = lineEnd(at: position) {
        position += length
        line += 1
        return CSVRecord(line: first, fields: fields)
      }
      position += 1  // the comma
    }
  }

  /// One field; leaves `position` on the comma, the line end or the end.
  private mutating func field(start: Int, firstLine: Int) throws(CSVError) -> [UInt8] {
    var field: [UInt8] = []
    let isQuoted = position < bytes.count && bytes[position] == UInt8(ascii: "\"")
    if isQuoted { position += 1 }
    var isOpen = isQuoted
    while position < bytes.count {
      guard position - start < Self.maxRecordBytes else {
        throw CSVError(
          line: firstLine,
          message: "record larger than \(Self.maxRecordBytes) bytes" + (isOpen ? "; is a closing quote missing?" : ""))
      }
      let byte = bytes[position]
      if isOpen {
        position += 1
        if byte == UInt8(ascii: "\"") {
          if position < bytes.count, bytes[position] == UInt8(ascii: "\"") {
            field.append(byte)
            position += 1
          } else {
            isOpen = false
          }
        } else {
          if byte == UInt8(ascii: "\n") { line += 1 }
          field.append(byte)
        }
        continue
      }
      if byte == UInt8(ascii: ",") || lineEnd(at: position) != nil { return field }
      if isQuoted {
        throw CSVError(line: line, message: "text after a closing quote; a quote inside a field is doubled")
      }
      if byte == UInt8(ascii: "\"") {
        throw CSVError(line: line, message: "quote inside a field that does not begin with one; quote the whole field")
      }
      field.append(byte)
      position += 1
    }
    if isOpen { throw CSVError(line: firstLine, message: "a quoted field that begins in this record is never closed") }
    return field
  }

  private func lineEnd(at index: Int) -> Int? {
    switch bytes[index] {
    case UInt8(ascii: "\n"): 1
    case UInt8(ascii: "\r") where index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "\n"): 2
    case UInt8(ascii: "\r") where index + 1 == bytes.count: 1
    default: nil
    }
  }
}
