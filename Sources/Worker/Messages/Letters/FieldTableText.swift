import AMQP
import Lifecycle

/// A header table as a JSON array of entries. See ``TypedProperties`` for the form.
enum FieldTableText {
  /// One table is two levels of JSON; the outermost array and a decimal's object come on top.
  private static let maxDepth = 2 * FieldTable.maxDepth + 4

  static func encode(_ table: FieldTable) -> [UInt8] {
    var writer = JSONWriter(capacity: 512)
    write(table, to: &writer)
    return writer.bytes
  }

  static func decode(_ json: [UInt8]) throws(JSONFault) -> FieldTable {
    try table(try JSONReader.document(json, maxDepth: maxDepth))
  }

  // MARK: Writing

  private static func write(_ table: FieldTable, to writer: inout JSONWriter) {
    writer.beginArray()
    for entry in table.entries {
      writer.beginObject()
      writer.key("name")
      writer.value(entry.key)
      write(entry.value, to: &writer)
      writer.endObject()
    }
    writer.endArray()
  }

  /// Writes `type` and `value` into the object that is open.
  private static func write(_ value: FieldValue, to writer: inout JSONWriter) {
    writer.key("type")
    writer.value(typeName(value))
    writer.key("value")
    switch value {
    case .boolean(let flag): writer.value(flag)
    case .int8(let number): WholeNumber.write(number, to: &writer)
    case .uint8(let number): WholeNumber.write(number, to: &writer)
    case .int16(let number): WholeNumber.write(number, to: &writer)
    case .uint16(let number): WholeNumber.write(number, to: &writer)
    case .int32(let number): WholeNumber.write(number, to: &writer)
    case .uint32(let number): WholeNumber.write(number, to: &writer)
    case .int64(let number): WholeNumber.write(number, to: &writer)
    case .uint64(let number), .timestamp(let number): WholeNumber.write(number, to: &writer)
    case .float(let number):
      writer.value(number.isNaN ? "nan:" + String(number.bitPattern, radix: 16) : number.description)
    case .double(let number):
      writer.value(number.isNaN ? "nan:" + String(number.bitPattern, radix: 16) : number.description)
    case .decimal(let scale, let number):
      writer.beginObject()
      writer.key("scale")
      writer.value(Int64(scale))
      writer.key("value")
      writer.value(Int64(number))
      writer.endObject()
    case .string(let bytes):
      if let text = String(validating: bytes, as: UTF8.self) {
        writer.value(text)
      } else {
        writer.value(Base64.encode(bytes))
      }
    case .byteArray(let bytes): writer.value(Base64.encode(bytes))
    case .array(let values):
      writer.beginArray()
      for value in values {
        writer.beginObject()
        write(value, to: &writer)
        writer.endObject()
      }
      writer.endArray()
    case .table(let table): write(table, to: &writer)
    case .void: writer.null()
    }
  }

  private static func typeName(_ value: FieldValue) -> String {
    switch value {
    case .boolean: "boolean"
    case .int8: "int8"
    case .uint8: "uint8"
    case .int16: "int16"
    case .uint16: "uint16"
    case .int32: "int32"
    case .uint32: "uint32"
    case .int64: "int64"
    case .uint64: "uint64"
    case .float: "float"
    case .double: "double"
    case .decimal: "decimal"
    case .string(let bytes): String(validating: bytes, as: UTF8.self) == nil ? "string-base64" : "string"
    case .byteArray: "byteArray"
    case .timestamp: "timestamp"
    case .array: "array"
    case .table: "table"
    case .void: "void"
    }
  }

  // MARK: Reading

  private static func table(_ detail: Detail) throws(JSONFault) -> FieldTable {
    guard case .list(let list) = detail else {
      throw JSONFault(offset: 0, message: "A stored header table is no array.")
    }
    var entries: [FieldTable.Entry] = []
    for element in list {
      let part = try StoredPart("header", element)
      entries.append(FieldTable.Entry(key: try part.text("name"), value: try value(part)))
    }
    return FieldTable(entries)
  }

  private static func value(_ part: StoredPart) throws(JSONFault) -> FieldValue {
    guard let value = part["value"] else { throw part.fault("value") }
    let read: FieldValue? =
      switch try part.text("type") {
      case "boolean": if case .boolean(let flag) = value { .boolean(flag) } else { nil }
      case "int8": WholeNumber.read(value).map(FieldValue.int8)
      case "uint8": WholeNumber.read(value).map(FieldValue.uint8)
      case "int16": WholeNumber.read(value).map(FieldValue.int16)
      case "uint16": WholeNumber.read(value).map(FieldValue.uint16)
      case "int32": WholeNumber.read(value).map(FieldValue.int32)
      case "uint32": WholeNumber.read(value).map(FieldValue.uint32)
      case "int64": WholeNumber.read(value).map(FieldValue.int64)
      case "uint64": WholeNumber.read(value).map(FieldValue.uint64)
      case "timestamp": WholeNumber.read(value).map(FieldValue.timestamp)
      case "float": float(try part.text("value")).map(FieldValue.float)
      case "double": double(try part.text("value")).map(FieldValue.double)
      case "decimal": try decimal(try StoredPart("decimal", value))
      case "string": .string(try part.text("value"))
      case "string-base64": Base64.decode(try part.text("value")).map(FieldValue.string)
      case "byteArray": Base64.decode(try part.text("value")).map(FieldValue.byteArray)
      case "array": .array(try array(try part.list("value")))
      case "table": .table(try table(value))
      case "void": value == .null ? .void : nil
      default: throw part.fault("type")
      }
    guard let read else { throw part.fault("value") }
    return read
  }

  private static func array(_ list: [Detail]) throws(JSONFault) -> [FieldValue] {
    var values: [FieldValue] = []
    for element in list { values.append(try value(try StoredPart("header", element))) }
    return values
  }

  private static func decimal(_ part: StoredPart) throws(JSONFault) -> FieldValue? {
    guard let scale = UInt8(exactly: try part.integer("scale")), let value = UInt32(exactly: try part.integer("value"))
    else { return nil }
    return .decimal(scale: scale, value: value)
  }

  private static func float(_ text: String) -> Float? {
    guard text.hasPrefix("nan:") else { return Float(text) }
    return UInt32(text.dropFirst(4), radix: 16).map(Float.init(bitPattern:))
  }

  private static func double(_ text: String) -> Double? {
    guard text.hasPrefix("nan:") else { return Double(text) }
    return UInt64(text.dropFirst(4), radix: 16).map(Double.init(bitPattern:))
  }
}
