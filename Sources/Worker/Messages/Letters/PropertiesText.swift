import AMQP
import Lifecycle

/// Properties other than headers, as a JSON object.
enum PropertiesText {
  private static let texts: [(String, any WritableKeyPath<Properties, String?> & Sendable)] = [
    ("contentType", \.contentType), ("contentEncoding", \.contentEncoding), ("correlationId", \.correlationID),
    ("replyTo", \.replyTo), ("expiration", \.expiration), ("messageId", \.messageID), ("type", \.type),
    ("userId", \.userID), ("appId", \.appID), ("clusterId", \.clusterID),
  ]
  private static let bytes: [(String, any WritableKeyPath<Properties, UInt8?> & Sendable)] = [
    ("deliveryMode", \.deliveryMode), ("priority", \.priority),
  ]
  private static let cut = "headersWereCut"

  static func encode(_ properties: Properties) -> [UInt8] {
    var writer = JSONWriter(capacity: 256)
    writer.beginObject()
    for (name, path) in texts {
      guard let text = properties[keyPath: path] else { continue }
      writer.key(name)
      writer.value(text)
    }
    for (name, path) in bytes {
      guard let byte = properties[keyPath: path] else { continue }
      writer.key(name)
      writer.value(Int64(byte))
    }
    if let timestamp = properties.timestamp {
      writer.key("timestamp")
      WholeNumber.write(timestamp, to: &writer)
    }
    if properties.headersWereCut {
      writer.key(cut)
      writer.value(true)
    }
    writer.endObject()
    return writer.bytes
  }

  static func decode(_ json: [UInt8]) throws(JSONFault) -> Properties {
    let part = try StoredPart("property", json)
    var properties = Properties()
    for (name, path) in texts where part[name] != nil { properties[keyPath: path] = try part.text(name) }
    for (name, path) in bytes {
      guard let value = part[name] else { continue }
      guard let byte: UInt8 = WholeNumber.read(value) else { throw part.fault(name) }
      properties[keyPath: path] = byte
    }
    if let value = part["timestamp"] {
      guard let seconds: UInt64 = WholeNumber.read(value) else { throw part.fault("timestamp") }
      properties.timestamp = seconds
    }
    return properties
  }

  static func headersWereCut(_ json: [UInt8]) throws(JSONFault) -> Bool {
    try StoredPart("property", json)[cut] == .boolean(true)
  }
}

/// Whole numbers of up to 64 bits: as JSON numbers where every reader keeps them exact (RFC 8259 section 6), else as
/// strings of digits.
enum WholeNumber {
  static func write(_ number: some FixedWidthInteger, to writer: inout JSONWriter) {
    if let value = Int64(exactly: number), value.magnitude <= UInt64(maxIdentifier) {
      writer.value(value)
    } else {
      writer.value(String(number))
    }
  }

  static func read<Number: FixedWidthInteger>(_ detail: Detail) -> Number? {
    switch detail {
    case .integer(let number): Number(exactly: number)
    case .text(let digits): Number(digits)
    case .null, .boolean, .list, .fields: nil
    }
  }
}
