import Lifecycle

/// The fields of one body, each read as what it must be. `null` for an optional field is the same as no field.
struct CommandFields {
  private let object: JSONObject
  /// By number of the field: one more than its place in the object, 0 where it is not there.
  private var places: [Int32]

  /// Finds the fields, known and unknown ones.
  init(_ object: JSONObject, unknown: inout JSONObject.Field?, allowed: CommandFieldSet) {
    self.object = object
    places = [Int32](repeating: 0, count: CommandField.tableSize)
    for (index, field) in object.fields.enumerated() {
      guard let known = CommandField.named(field.name, in: object.bytes) else {
        unknown = unknown ?? field
        continue
      }
      if !allowed.contains(known) { unknown = unknown ?? field }
      places[Int(known.rawValue)] = Int32(index + 1)
    }
  }

  /// The value as it stands there; `nil` when the field is not there.
  func given(_ field: CommandField) -> JSONValue? {
    let place = places[Int(field.rawValue)]
    return place == 0 ? nil : object.fields[Int(place) - 1].value
  }

  /// The value; `nil` when it is not there or `null`.
  func value(_ field: CommandField) -> JSONValue? {
    guard let value = given(field), value != .null else { return nil }
    return value
  }

  /// The kind of what stands there.
  func kind(_ field: CommandField) -> JSONKind { given(field)?.kind ?? .absent }

  func text(_ string: JSONString) -> String { object.text(string) }

  // MARK: Numbers

  func integer(_ field: CommandField, in range: ClosedRange<Int64>) throws(Rejection) -> Int64? {
    guard let value = value(field) else { return nil }
    guard case .integer(let number) = value, range.contains(number) else {
      let problem = value.kind == .integer ? "is an integer out of range" : nil
      throw FieldProblem.invalid(field, kind: value.kind, problem: problem, allowed: Self.allowed(range))
    }
    return number
  }

  func requiredInteger(_ field: CommandField, in range: ClosedRange<Int64>) throws(Rejection) -> Int64 {
    guard let number = try integer(field, in: range) else {
      throw FieldProblem.invalid(field, kind: kind(field), allowed: Self.allowed(range))
    }
    return number
  }

  func identifier<ID: Identifier>(_ field: CommandField) throws(Rejection) -> ID? {
    try integer(field, in: 1...maxIdentifier).map { ID(rawValue: $0) }
  }

  func requiredIdentifier<ID: Identifier>(_ field: CommandField, from lowest: Int64 = 1) throws(Rejection) -> ID {
    ID(rawValue: try requiredInteger(field, in: lowest...maxIdentifier))
  }

  private static func allowed(_ range: ClosedRange<Int64>) -> Detail {
    .text("an integer from \(range.lowerBound) to \(range.upperBound)")
  }

  // MARK: Words

  func flag(_ field: CommandField) throws(Rejection) -> Bool? {
    guard let value = value(field) else { return nil }
    guard case .boolean(let flag) = value else {
      throw FieldProblem.invalid(field, kind: value.kind, allowed: .text("true or false"))
    }
    return flag
  }

  func uuid(_ field: CommandField) throws(Rejection) -> UUID128? {
    guard let value = value(field) else { return nil }
    guard case .string(let string) = value, let uuid = uuid(string) else {
      let problem = value.kind == .string ? "is a string that is no UUID" : nil
      throw FieldProblem.invalid(
        field, kind: value.kind, problem: problem, allowed: .text("a UUID of 36 characters (RFC 9562)"))
    }
    return uuid
  }

  private func uuid(_ string: JSONString) -> UUID128? {
    if string.hasEscapes { return UUID128(text(string)) }
    return object.bytes.withUnsafeBufferPointer {
      UUID128(utf8: UnsafeBufferPointer(rebasing: $0[string.start..<string.end]))
    }
  }

  /// One of the names of an enum.
  func word<Word: RawRepresentable & CaseIterable>(_ field: CommandField, _: Word.Type) throws(Rejection) -> Word?
  where Word.RawValue == String {
    guard let value = value(field) else { return nil }
    guard case .string(let string) = value, let word = Word(rawValue: text(string)) else {
      let problem = value.kind == .string ? "is a string that is none of the allowed ones" : nil
      throw FieldProblem.invalid(field, kind: value.kind, problem: problem, allowed: Self.words(Word.self))
    }
    return word
  }

  static func words<Word: RawRepresentable & CaseIterable>(_: Word.Type) -> Detail where Word.RawValue == String {
    .list(Word.allCases.map { .text($0.rawValue) })
  }

  func time(_ field: CommandField) throws(Rejection) -> Timestamp? {
    guard let value = value(field) else { return nil }
    guard case .string(let string) = value, let time = Timestamp(rfc3339: text(string)) else {
      let problem = value.kind == .string ? "is a string that is no such time" : nil
      throw FieldProblem.invalid(
        field, kind: value.kind, problem: problem, allowed: .text("an RFC 3339 time such as 2026-11-23T16:52:07Z"))
    }
    return time
  }

  // MARK: Texts

  /// A text for people or of another system, up to `maxLength` Unicode scalars (so up to four times as many bytes),
  /// without U+0000, which no C string and no SQL text carries safely.
  func text(_ field: CommandField, in lengths: ClosedRange<Int>) throws(Rejection) -> String? {
    guard let value = value(field) else { return nil }
    guard case .string(let string) = value else {
      throw FieldProblem.invalid(field, kind: value.kind, allowed: Self.allowed(lengths))
    }
    let text = text(string)
    let length = text.utf8.count <= lengths.upperBound ? text.utf8.count : text.unicodeScalars.count
    let problem: String? =
      if length > lengths.upperBound {
        "is a string of \(length) characters"
      } else if length < lengths.lowerBound {
        "is an empty string"
      } else if string.hasEscapes, text.utf8.contains(0) {
        "is a string with U+0000 in it"
      } else {
        nil
      }
    if let problem {
      throw FieldProblem.invalid(field, kind: .string, problem: problem, allowed: Self.allowed(lengths))
    }
    return text
  }

  func requiredText(_ field: CommandField, in lengths: ClosedRange<Int>) throws(Rejection) -> String {
    guard let text = try text(field, in: lengths) else {
      throw FieldProblem.invalid(field, kind: kind(field), allowed: Self.allowed(lengths))
    }
    return text
  }

  private static func allowed(_ lengths: ClosedRange<Int>) -> Detail {
    .text("a string of \(lengths.lowerBound) to \(lengths.upperBound) characters, none of them U+0000")
  }

  /// The empty contract is none: on-demand.
  func contract() throws(Rejection) -> ContractID? {
    guard let value = value(.contractId) else { return nil }
    guard case .string(let string) = value else { throw contractProblem(value.kind, problem: nil) }
    if string.start == string.end { return nil }
    guard let contract = ContractID(text(string)) else {
      throw contractProblem(.string, problem: "is a string of another form")
    }
    return contract
  }

  private func contractProblem(_ kind: JSONKind, problem: String?) -> Rejection {
    FieldProblem.invalid(
      .contractId, kind: kind, problem: problem, allowed: .text(#"a string that matches ^[A-Z0-9_\-.]{0,240}$"#))
  }
}
