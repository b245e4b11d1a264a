import Foundation

/// A JSON value that tests look into: `reply.server.state == "allocated"`. What is not there is `.absent`.
@dynamicMemberLookup
package enum JSONNode: Hashable, Sendable {
  case absent, null
  case bool(Bool)
  case integer(Int64)
  case number(Double)
  case text(String)
  case array([JSONNode])
  case object([String: JSONNode])

  /// - Throws: what Foundation says of bytes that are no JSON.
  package init(_ bytes: some Collection<UInt8>) throws {
    self = try JSONDecoder().decode(JSONNode.self, from: Data(bytes))
  }

  package subscript(dynamicMember name: String) -> JSONNode {
    if case .object(let fields) = self { fields[name] ?? .absent } else { .absent }
  }

  package subscript(index: Int) -> JSONNode {
    if case .array(let items) = self, items.indices.contains(index) { items[index] } else { .absent }
  }

  package var text: String? { if case .text(let text) = self { text } else { nil } }
  package var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
  package var keys: Set<String> { if case .object(let fields) = self { Set(fields.keys) } else { [] } }
}

extension JSONNode: Decodable {
  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int64.self) {
      self = .integer(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONNode].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONNode].self))
    }
  }
}

extension JSONNode: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral
{
  package init(stringLiteral value: String) { self = .text(value) }
  package init(integerLiteral value: Int64) { self = .integer(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(arrayLiteral elements: JSONNode...) { self = .array(elements) }
}
