package import Lifecycle

/// A message from a command queue, as far as it decides what the command is.
package struct CommandEnvelope: Sendable {
  /// The body as it came.
  package enum Body: Sendable {
    case bytes([UInt8])
    /// Only the beginning was kept, because it is larger than anything that could be a command.
    case truncated(size: Int)

    /// In bytes, as it was sent.
    package var size: Int {
      switch self {
      case .bytes(let bytes): bytes.count
      case .truncated(let size): size
      }
    }
  }

  /// The command of the queue that the message came from.
  package var command: CommandName
  package var exchange: String
  package var routingKey: String
  /// The setting `amqp.namespace`.
  package var namespace: String
  /// The AMQP property `type`.
  package var type: String?
  package var contentType: String?
  package var contentEncoding: String?
  package var messageID: String?
  package var body: Body
  /// The setting `commands.maxBytes`.
  package var maxBytes: Int
  /// The setting `commands.requireKey`.
  package var requireKey: Bool
  /// The setting `baseline.requireId`.
  package var requireBaselineID: Bool

  package init(
    command: CommandName, exchange: String, routingKey: String, namespace: String, type: String? = nil,
    contentType: String? = nil, contentEncoding: String? = nil, messageID: String? = nil, body: Body,
    maxBytes: Int = 65_536, requireKey: Bool = false, requireBaselineID: Bool = false
  ) {
    self.command = command
    self.exchange = exchange
    self.routingKey = routingKey
    self.namespace = namespace
    self.type = type
    self.contentType = contentType
    self.contentEncoding = contentEncoding
    self.messageID = messageID
    self.body = body
    self.maxBytes = maxBytes
    self.requireKey = requireKey
    self.requireBaselineID = requireBaselineID
  }
}
