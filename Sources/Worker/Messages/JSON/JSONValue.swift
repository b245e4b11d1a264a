/// A string of a JSON document, as the place between its quotation marks.
package struct JSONString: Hashable, Sendable {
  package let start: Int
  package let end: Int
  package let hasEscapes: Bool
}

/// A value of a JSON document. Numbers that are no 64-bit integers are reported as such and never rounded; what is
/// nested has been checked and is not kept.
package enum JSONValue: Hashable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case number
  case string(JSONString)
  case array
  case object

  package var kind: JSONKind {
    switch self {
    case .null: .null
    case .boolean: .boolean
    case .integer: .integer
    case .number: .number
    case .string: .string
    case .array: .array
    case .object: .object
    }
  }
}

/// A JSON object as its fields, in the order of the document. No name occurs twice.
package struct JSONObject: Sendable {
  package struct Field: Hashable, Sendable {
    package let name: JSONString
    package let value: JSONValue
  }
  package let bytes: [UInt8]
  package let fields: [Field]

  /// The text of a string of this document, its escapes resolved.
  package func text(_ string: JSONString) -> String {
    if string.hasEscapes { return String(decoding: JSONCursor.unescaped(bytes, string), as: UTF8.self) }
    return String(decoding: bytes[string.start..<string.end], as: UTF8.self)
  }
}
