import Foundation

/// A body, written out for a person: JSON with one value a line, anything else as a hex dump.
enum BodyText {
  /// Longer ones are cut; `show --raw` has all of them.
  private static let maxLines = 1000
  private static let bytesPerLine = 16

  static func lines(_ body: [UInt8]) -> [String] {
    if body.isEmpty { return ["(empty)"] }
    let lines = isJSON(body) ? pretty(body).map(PlainText.clean) : dump(body.prefix((maxLines + 1) * bytesPerLine))
    return lines.count > maxLines ? lines.prefix(maxLines) + ["… --raw prints all of it"] : lines
  }

  static func isJSON(_ body: [UInt8]) -> Bool {
    (try? JSONSerialization.jsonObject(with: Data(body))) != nil
  }

  /// Changes only the white space between values: numbers, escapes and names given twice stay as they came.
  static func pretty(_ json: [UInt8]) -> [String] {
    var lines: [String] = []
    var line: [UInt8] = []
    var depth = 0
    var isInString = false
    var isEscaped = false
    func end() {
      lines.append(String(decoding: line, as: UTF8.self))
      line = Array(repeating: UInt8(ascii: " "), count: depth * 2)
    }
    for byte in json {
      if isInString {
        line.append(byte)
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""):
        isInString = true
        line.append(byte)
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        line.append(byte)
        depth += 1
        end()
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        depth -= 1
        end()
        line.append(byte)
      case UInt8(ascii: ","):
        line.append(byte)
        end()
      case UInt8(ascii: ":"): line += [byte, UInt8(ascii: " ")]
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): break
      default: line.append(byte)
      }
    }
    end()
    return lines.filter { $0.contains { $0 != " " } }
  }

  /// Offset, sixteen bytes in hexadecimal, the same as ASCII.
  static func dump(_ bytes: some Collection<UInt8>) -> [String] {
    let bytes = Array(bytes)
    return stride(from: 0, to: bytes.count, by: bytesPerLine).map { start in
      let row = bytes[start..<min(start + bytesPerLine, bytes.count)]
      let hex = row.map { hexadecimal(UInt64($0), width: 2) }.joined(separator: " ")
      let text = String(decoding: row.map { (0x20..<0x7F).contains($0) ? $0 : UInt8(ascii: ".") }, as: UTF8.self)
      return "\(hexadecimal(UInt64(start), width: 8))  \(hex.padding(to: bytesPerLine * 3)) |\(text)|"
    }
  }

  private static func hexadecimal(_ number: UInt64, width: Int) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: max(width - digits.count, 0)) + digits
  }
}
