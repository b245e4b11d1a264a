package import Lifecycle

/// Whose command it was, as events and replies say it.
package struct OperationFacts: Hashable, Sendable {
  /// `nil`: none of Ostler's, written `unknown`.
  package let command: CommandName?
  /// The operation's key as text, whatever it came from; `nil` without one.
  package let operation: String?
  /// The verified principal.
  package let actor: String?
  /// Who had it replayed.
  package let replayedBy: String?

  package init(command: CommandName?, operation: String? = nil, actor: String? = nil, replayedBy: String? = nil) {
    self.command = command
    self.operation = operation
    self.actor = actor
    self.replayedBy = replayedBy
  }

  /// The command as keys, types and sources carry it.
  package var commandText: String { command?.rawValue ?? "unknown" }

  func write(to writer: inout JSONWriter) {
    writer.key("command")
    writer.value(commandText)
    writer.optional("operationUuid", operation)
    writer.optional("actor", actor)
    writer.optional("replayedBy", replayedBy)
  }
}

extension JSONWriter {
  /// Writes the field, or nothing where there is no value.
  mutating func optional(_ name: StaticString, _ text: String?) {
    guard let text else { return }
    key(name)
    value(text)
  }

  mutating func optional(_ name: StaticString, _ number: Int64?) {
    guard let number else { return }
    key(name)
    value(number)
  }

  mutating func optional(_ name: StaticString, _ uuid: UUID128?) {
    guard let uuid else { return }
    key(name)
    value(uuid)
  }
}
