import Lifecycle

/// Makes the refusals of the message itself. All have the details `path` (a field of the body, or the name of an AMQP
/// property), `kind` (a ``JSONKind``) and `allowed` (a text or a list); none repeats the value.
enum FieldProblem {
  /// The longest part of a foreign name that is repeated, in characters.
  private static let maxNameLength = 64

  static func refusal(
    _ code: RejectionCode, path: String, kind: JSONKind, allowed: Detail, message: String, more: [Detail.Field] = []
  ) -> Rejection {
    Rejection(
      code, message,
      details: [
        Detail.Field("path", .text(path)), Detail.Field("kind", .text(kind.rawValue)), Detail.Field("allowed", allowed),
      ] + more)
  }

  /// `invalid-field`: the field is not what it must be. `problem` goes on after the name: `is a string`.
  static func invalid(_ path: String, kind: JSONKind, problem: String? = nil, allowed: Detail) -> Rejection {
    let found = problem ?? "is \(kind.phrase)"
    return refusal(
      .invalidField, path: path, kind: kind, allowed: allowed,
      message: "The field \(path) \(found); allowed is \(phrase(allowed)). Correct it and send the command again.")
  }

  static func invalid(_ field: CommandField, kind: JSONKind, problem: String? = nil, allowed: Detail) -> Rejection {
    invalid(field.text, kind: kind, problem: problem, allowed: allowed)
  }

  static func unknown(_ name: String, kind: JSONKind, command: CommandName) -> Rejection {
    let names = CommandFieldSet.allowed(for: command).names
    let path = shortened(name)
    return refusal(
      .unknownField, path: path, kind: kind, allowed: .list(names.map { .text($0) }),
      message: "The command \(command.rawValue) has no field \(path); its fields are \(names.joined(separator: ", ")). "
        + "Remove it or correct its name, and send the command again.")
  }

  static func malformed(_ fault: JSONFault) -> Rejection {
    refusal(
      .malformedJSON, path: fault.duplicateName.map(shortened) ?? "body", kind: fault.documentKind ?? .bytes,
      allowed: .text("one JSON object (RFC 8259) in UTF-8, no name twice, nested at most \(JSONReader.maxDepth) deep"),
      message: "The body is not a JSON object that can be read without doubt. \(fault.message) "
        + "Correct it and send the command again.",
      more: [Detail.Field("offset", .integer(Int64(fault.offset)))])
  }

  private static func shortened(_ name: String) -> String {
    let start = name.unicodeScalars.prefix(maxNameLength)
    return start.endIndex == name.endIndex ? name : String(start) + "…"
  }

  private static func phrase(_ allowed: Detail) -> String {
    switch allowed {
    case .text(let text): text
    case .list(let list): list.map(phrase).joined(separator: ", ")
    case .integer(let number): String(number)
    case .boolean(let flag): String(flag)
    case .null: "null"
    case .fields(let fields): fields.map(\.name).joined(separator: ", ")
    }
  }
}
