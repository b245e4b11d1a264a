import AMQP
import Lifecycle
import Store
import Worker

/// Reads the body of a letter as the worker will read it.
struct CommandReader {
  private let settings: Settings
  private let topology: Topology

  init(_ settings: Settings) {
    self.settings = settings
    topology = Topology(settings)
  }

  /// As if it came through the command's queue.
  func read(_ body: [UInt8], as command: CommandName, _ properties: Properties) -> Result<CommandMessage, Refusal> {
    CommandDecoder.decode(
      CommandEnvelope(
        command: command, exchange: topology.commandsExchange, routingKey: command.rawValue,
        namespace: settings.amqp.namespace.rawValue, type: properties.type, contentType: properties.contentType,
        contentEncoding: properties.contentEncoding, messageID: properties.messageID, body: .bytes(body),
        maxBytes: settings.commands.maxBytes, requireKey: settings.commands.requireKey,
        requireBaselineID: settings.baseline.requireID))
  }

  /// The operation that the letter's outcome is stored under, where it is a command and took its key.
  func key(of letter: DeadLetter) -> OperationKey? {
    guard letter.isReplayable, letter.code != .operationConflict, let command = CommandName(rawValue: letter.command),
      let properties = try? letter.typedProperties(),
      case .success(let message) = read(letter.body, as: command, properties)
    else { return nil }
    return message.key
  }
}

extension DeadLetter {
  /// The properties with their types.
  ///
  /// - Throws: `JSONFault` where what is stored cannot be read.
  func typedProperties() throws(JSONFault) -> Properties {
    try TypedProperties.decode(.init(properties: Array(properties.utf8), headers: Array(headers.utf8)))
  }
}
