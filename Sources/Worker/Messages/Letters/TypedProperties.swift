package import AMQP

/// The properties of a message as two JSON texts that keep every AMQP type: what a dead letter stores, and lists as
/// `properties` and `headers`.
///
/// `properties` is an object of those properties that are there; a number beyond 2^53−1 is written as a string.
/// `headers` is an array of `{"name","type","value"}` in the order of the wire, because a table may have a key twice;
/// it is absent when the message had no table. Types and values:
///
/// | type | value |
/// |---|---|
/// | `boolean` | true or false |
/// | `int8` `uint8` `int16` `uint16` `int32` `uint32` `int64` `uint64` `timestamp` | a number; beyond 2^53−1 a string of digits |
/// | `float` `double` | a string: the shortest decimal that reads back the same, `inf`, `-inf`, or `nan:` and the bits in hexadecimal |
/// | `decimal` | `{"scale","value"}` |
/// | `string` | a string |
/// | `string-base64` (a string that is not UTF-8), `byteArray` | the bytes in base64 |
/// | `array` | an array of `{"type","value"}` |
/// | `table` | an array of `{"name","type","value"}` |
/// | `void` | null |
///
/// The header `x-api-key`, in any case, is a secret and never written.
package enum TypedProperties {
  package static let secretHeader = "x-api-key"

  /// The two texts.
  package struct Encoded: Hashable, Sendable {
    package let properties: [UInt8]
    package let headers: [UInt8]?
    package init(properties: [UInt8], headers: [UInt8]?) {
      self.properties = properties
      self.headers = headers
    }
  }

  package static func encode(_ properties: Properties) -> Encoded {
    Encoded(
      properties: PropertiesText.encode(properties),
      headers: properties.headers.map { FieldTableText.encode(withoutSecrets($0)) })
  }

  /// Reads back what ``encode(_:)`` wrote. Whether headers had been cut (`headersWereCut`) is not restored, as the
  /// property cannot be set from outside; ``headersWereCut(_:)`` tells.
  /// - Throws: ``JSONFault`` when the bytes are something else.
  package static func decode(_ encoded: Encoded) throws(JSONFault) -> Properties {
    var properties = try PropertiesText.decode(encoded.properties)
    if let headers = encoded.headers { properties.headers = try FieldTableText.decode(headers) }
    return properties
  }

  /// Whether the message had more headers than could be kept, so that it is not the original any more.
  /// - Throws: ``JSONFault`` when the bytes are something else.
  package static func headersWereCut(_ encoded: Encoded) throws(JSONFault) -> Bool {
    try PropertiesText.headersWereCut(encoded.properties)
  }

  private static func withoutSecrets(_ table: FieldTable) -> FieldTable {
    FieldTable(table.entries.filter { !isSecret($0.key) })
  }

  /// Whether a header of that name carries a key.
  package static func isSecret(_ name: String) -> Bool {
    name.utf8.count == secretHeader.utf8.count && name.lowercased() == secretHeader
  }
}
