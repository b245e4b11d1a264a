import Lifecycle

/// Documents, and the values in them. Recursion is bounded by `maxDepth`.
extension JSONCursor {
  /// The fields of a document that is one object.
  mutating func documentFields() throws(JSONFault) -> [JSONObject.Field] {
    guard peek() == UInt8(ascii: "{") else {
      let start = position
      let kind = try value(depth: 0).kind
      try expectEnd()
      throw JSONFault(
        offset: start, message: "The document is \(kind.phrase); expected a JSON object.", documentKind: kind)
    }
    var fields: [JSONObject.Field] = []
    fields.reserveCapacity(8)
    var names = NameSet()
    try members { (cursor, name) throws(JSONFault) in
      try names.insert(name, in: cursor, known: fields)
      fields.append(JSONObject.Field(name: name, value: try cursor.value(depth: 1)))
    }
    try expectEnd()
    return fields
  }

  /// A whole document as a value.
  mutating func documentTree() throws(JSONFault) -> Detail {
    let tree = try tree(depth: 0)
    try expectEnd()
    return tree
  }

  /// Reads the members of the object whose brace is next; `member` reads the value that belongs to the name.
  private mutating func members(
    _ member: (inout JSONCursor, JSONString) throws(JSONFault) -> Void
  ) throws(JSONFault) {
    try expect(UInt8(ascii: "{"), "an object")
    if take(UInt8(ascii: "}")) { return }
    repeat {
      guard peek() == UInt8(ascii: "\"") else { throw fault("the name of a field, in quotation marks") }
      let name = try string()
      try expect(UInt8(ascii: ":"), "a colon after the name of a field")
      try member(&self, name)
    } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "}"), "a comma or the end of the object")
  }

  private mutating func elements(_ element: (inout JSONCursor) throws(JSONFault) -> Void) throws(JSONFault) {
    try expect(UInt8(ascii: "["), "an array")
    if take(UInt8(ascii: "]")) { return }
    repeat { try element(&self) } while take(UInt8(ascii: ","))
    try expect(UInt8(ascii: "]"), "a comma or the end of the array")
  }

  private func deeper(_ depth: Int) throws(JSONFault) -> Int {
    guard depth < maxDepth else {
      throw JSONFault(offset: position, message: "At byte \(position): nested deeper than \(maxDepth) levels.")
    }
    return depth + 1
  }

  /// Reads one value and checks what is nested in it without keeping it.
  private mutating func value(depth: Int) throws(JSONFault) -> JSONValue {
    guard let first = peek() else { throw fault("a value") }
    switch first {
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return try number().map(JSONValue.integer) ?? .number
    case UInt8(ascii: "n"):
      try literal("null")
      return .null
    case UInt8(ascii: "t"):
      try literal("true")
      return .boolean(true)
    case UInt8(ascii: "f"):
      try literal("false")
      return .boolean(false)
    case UInt8(ascii: "["):
      let inner = try deeper(depth)
      try elements { (cursor) throws(JSONFault) in _ = try cursor.value(depth: inner) }
      return .array
    case UInt8(ascii: "{"):
      let inner = try deeper(depth)
      var names: Set<[UInt8]> = []
      try members { (cursor, name) throws(JSONFault) in
        let (isNew, _) = names.insert(JSONCursor.unescaped(cursor.bytes, name))
        guard isNew else { throw cursor.duplicate(name) }
        _ = try cursor.value(depth: inner)
      }
      return .object
    default: throw fault("a value")
    }
  }

  private mutating func tree(depth: Int) throws(JSONFault) -> Detail {
    switch peek() {
    case UInt8(ascii: "["):
      let inner = try deeper(depth)
      var list: [Detail] = []
      try elements { (cursor) throws(JSONFault) in list.append(try cursor.tree(depth: inner)) }
      return .list(list)
    case UInt8(ascii: "{"):
      let inner = try deeper(depth)
      var fields: [Detail.Field] = []
      var names: Set<[UInt8]> = []
      try members { (cursor, name) throws(JSONFault) in
        let text = JSONCursor.unescaped(cursor.bytes, name)
        guard names.insert(text).inserted else { throw cursor.duplicate(name) }
        fields.append(Detail.Field(String(decoding: text, as: UTF8.self), try cursor.tree(depth: inner)))
      }
      return .fields(fields)
    default:
      switch try value(depth: depth) {
      case .null: return .null
      case .boolean(let value): return .boolean(value)
      case .integer(let value): return .integer(value)
      case .string(let string): return .text(String(decoding: Self.unescaped(bytes, string), as: UTF8.self))
      case .number: throw fault("a number that is a 64-bit integer, before this place,")
      case .array, .object: preconditionFailure("arrays and objects are read above")
      }
    }
  }

  fileprivate func duplicate(_ name: JSONString) -> JSONFault {
    let text = String(decoding: Self.unescaped(bytes, name), as: UTF8.self)
    return JSONFault(
      offset: name.start, message: "At byte \(name.start): the name of this field occurs twice in its object.",
      duplicateName: text)
  }
}

/// Finds the name that occurs twice: by comparing while there are few, which costs no memory, then by hashing.
private struct NameSet {
  private static let fewNames = 24
  private var hashed: Set<[UInt8]> = []

  mutating func insert(
    _ name: JSONString, in cursor: JSONCursor, known: [JSONObject.Field]
  ) throws(JSONFault) {
    if known.count < Self.fewNames {
      for field in known where Self.isSame(field.name, name, in: cursor.bytes) { throw cursor.duplicate(name) }
      return
    }
    if hashed.isEmpty { for field in known { hashed.insert(JSONCursor.unescaped(cursor.bytes, field.name)) } }
    guard hashed.insert(JSONCursor.unescaped(cursor.bytes, name)).inserted else { throw cursor.duplicate(name) }
  }

  private static func isSame(_ left: JSONString, _ right: JSONString, in bytes: [UInt8]) -> Bool {
    if left.hasEscapes || right.hasEscapes {
      return JSONCursor.unescaped(bytes, left) == JSONCursor.unescaped(bytes, right)
    }
    let length = left.end - left.start
    guard length == right.end - right.start else { return false }
    for offset in 0..<length where bytes[left.start + offset] != bytes[right.start + offset] { return false }
    return true
  }
}
