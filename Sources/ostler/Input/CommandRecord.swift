import Lifecycle
import Worker

/// A command from a file, checked as the worker will check it.
struct CommandRecord {
  /// In the file, from 1.
  let line: Int
  let command: CommandName
  /// The body, as it is published.
  let body: [UInt8]
  /// What the sender calls the operation; the answer and later copies are found by it.
  let operation: String
}

/// A line that is no command, and why.
struct BadLine: Error {
  let line: Int
  let message: String
}

extension CommandRecord {
  /// Checks the fields by the worker's own rules, so that nothing is sent that can only be refused.
  ///
  /// - Throws: `BadLine` with the worker's words.
  init(line: Int, command: CommandName, fields: [Detail.Field], settings: Settings) throws(BadLine) {
    var writer = JSONWriter()
    writer.value(fields)
    let message = try Self.check(line: line, command: command, body: writer.bytes, settings: settings)
    self.init(
      line: line, command: command, body: writer.bytes, operation: message.key.map { $0.id.description } ?? "")
  }

  /// What the worker will read in that body.
  static func check(
    line: Int, command: CommandName, body: [UInt8], settings: Settings
  ) throws(BadLine) -> CommandMessage {
    let envelope = CommandEnvelope(
      command: command, exchange: "\(settings.amqp.namespace).commands", routingKey: command.rawValue,
      namespace: settings.amqp.namespace.rawValue, body: .bytes(body), maxBytes: settings.commands.maxBytes)
    switch CommandDecoder.decode(envelope) {
    case .success(let message): return message
    case .failure(let refusal):
      throw BadLine(line: line, message: "\(refusal.rejection.code.rawValue): \(refusal.rejection.message)")
    }
  }
}
