/// Why bytes are not the JSON that was expected. Says where, and never repeats what stands there.
package struct JSONFault: Error, Hashable, Sendable {
  package let code = "malformed-json"
  /// The byte the reader stopped at, counted from 0.
  package let offset: Int
  /// What was expected and what kind of thing was found, for people.
  package let message: String
  /// The name that occurs twice; `nil` for every other fault.
  package let duplicateName: String?
  /// The kind of a well-formed document that is not the object it had to be; `nil` for every other fault.
  package let documentKind: JSONKind?

  package init(offset: Int, message: String, duplicateName: String? = nil, documentKind: JSONKind? = nil) {
    self.offset = offset
    self.message = message
    self.duplicateName = duplicateName
    self.documentKind = documentKind
  }
}

/// What kind of JSON value stands somewhere, as details of a refusal name it.
package enum JSONKind: String, CaseIterable, Hashable, Sendable {
  case null, boolean
  /// A number without fraction and exponent that fits 64 bits.
  case integer
  /// Any other number.
  case number
  case string, array, object
  /// The field is not there.
  case absent
  /// Not a JSON value: a body as a whole.
  case bytes

  /// With its article, for messages: `an integer`.
  package var phrase: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .integer: "an integer"
    case .number: "a number with a fraction or an exponent, or beyond 64 bits"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    case .absent: "missing"
    case .bytes: "no JSON value"
    }
  }
}
