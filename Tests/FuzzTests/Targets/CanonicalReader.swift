import Lifecycle
import Worker

/// Reads the canonical form of a command back into a body, by what the form's description says and not by the code that
/// writes it: what can be read back has lost nothing, so bodies that mean different things have different forms.
struct CanonicalReader {
  private enum Kind { case integer, uuid, flag, text, time }

  private static let fields: [UInt8: (name: String, kind: Kind)] = [
    1: ("serverId", .integer), 2: ("locationId", .integer), 3: ("instanceTypeId", .integer), 4: ("clientId", .integer),
    5: ("contractId", .text), 6: ("overflow", .flag), 7: ("allocationId", .uuid), 8: ("reason", .text),
    9: ("subState", .text), 10: ("baselineId", .uuid), 11: ("caseId", .text), 12: ("outcome", .text),
    13: ("name", .text), 14: ("state", .text), 15: ("quotaType", .text), 16: ("since", .time), 17: ("limit", .integer),
    21: ("ifVersion", .integer),
  ]

  private var rest: ArraySlice<UInt8>

  /// The command's name, and a body that asks for the same.
  static func read(_ form: [UInt8]) throws(Violation) -> (command: String, body: [UInt8]) {
    var reader = CanonicalReader(rest: form[...])
    try require(reader.until(0) == "ostler.1", "the canonical form does not begin with its version")
    let command = reader.until(0)
    var json = JSONWriter()
    json.beginObject()
    var names: Set<String> = []
    while let number = reader.rest.popFirst() {
      guard let field = fields[number] else { throw Violation("the canonical form has a field \(number)") }
      try require(names.insert(field.name).inserted, "the canonical form has \(field.name) twice")
      json.key(field.name)
      switch field.kind {
      case .integer: json.value(Int64(bitPattern: try reader.number(bytes: 8)))
      case .time: json.value(Timestamp(milliseconds: Int64(bitPattern: try reader.number(bytes: 8))))
      case .uuid: json.value(UUID128(high: try reader.number(bytes: 8), low: try reader.number(bytes: 8)))
      case .flag: json.value(try reader.number(bytes: 1) == 1)
      case .text:
        let count = Int(try reader.number(bytes: 4))
        try require(count <= reader.rest.count, "the canonical form ends within a text")
        json.value(String(decoding: reader.rest.prefix(count), as: UTF8.self))
        reader.rest = reader.rest.dropFirst(count)
      }
    }
    if command == CommandName.setQuota.rawValue, !names.contains("limit") {
      json.key("limit")
      json.null()
    }
    json.endObject()
    return (command, json.bytes)
  }

  private mutating func until(_ end: UInt8) -> String {
    let text = rest.prefix { $0 != end }
    rest = rest.dropFirst(text.count + 1)
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func number(bytes: Int) throws(Violation) -> UInt64 {
    try require(bytes <= rest.count, "the canonical form ends within a number")
    defer { rest = rest.dropFirst(bytes) }
    return rest.prefix(bytes).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
