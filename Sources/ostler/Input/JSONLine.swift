import Lifecycle
import Worker

/// Lines of JSON Lines files.
enum JSONLine {
  /// The line without its line end and without the mark that a file may begin with; `nil` when there is nothing on it.
  static func content(_ line: ArraySlice<UInt8>, number: Int) -> [UInt8]? {
    var line = line
    if line.last == UInt8(ascii: "\r") { line.removeLast() }
    if number == 1, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
    let isBlank = line.allSatisfy { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    return isBlank ? nil : Array(line)
  }

  /// The fields of the object on the line.
  static func fields(_ bytes: [UInt8], number: Int) throws(BadLine) -> [Detail.Field] {
    do throws(JSONFault) {
      guard case .fields(let fields) = try JSONReader.document(bytes) else {
        throw JSONFault(offset: 0, message: "expected a JSON object")
      }
      return fields
    } catch {
      let name = error.duplicateName.map { " (\(PlainText.clean($0)))" } ?? ""
      throw BadLine(line: number, message: "not a JSON object that can be read: \(error.message)\(name)")
    }
  }
}
