package import AMQP
package import Lifecycle

/// Where a delivery came from.
package enum Source: Hashable, Sendable {
  case commands(CommandName)
  case deadLetters
}

/// A delivery, decoded as far as it goes.
package enum Received: Sendable {
  case command(CommandTask)
  /// Not a command: its refusal is its answer.
  case refused(Delivery, CommandName, Refusal)
  /// Put into `<ns>.dead-letters` by the broker.
  case deadLettered(Delivery)
  /// The process ended over it so often in a row that nobody looks into it again.
  case crashed(Delivery, Source, times: Int)

  package var delivery: Delivery {
    switch self {
    case .command(let task): task.delivery
    case .refused(let delivery, _, _), .deadLettered(let delivery), .crashed(let delivery, _, _): delivery
    }
  }

  /// Freezing is the one thing that must not come late: it is decided first within a batch.
  package var isUrgent: Bool {
    switch self {
    case .command(let task): task.queue == .quarantine
    case .refused, .deadLettered, .crashed: false
    }
  }
}

/// A command and the message that brought it.
package struct CommandTask: Sendable {
  package let delivery: Delivery
  package let queue: CommandName
  package let message: CommandMessage
  /// Set once the store has confirmed that the message is the replay it says it is.
  package var replayed: Replayed?

  package init(delivery: Delivery, queue: CommandName, message: CommandMessage) {
    self.delivery = delivery
    self.queue = queue
    self.message = message
  }

  package var operation: String? { message.key?.id.description }

  /// The principal: of the original, where this is a replay.
  package var actor: String? { if let replayed { replayed.actor } else { delivery.actor } }

  /// `enroll`: when the allocation or availability began, for the history.
  package var since: Timestamp? {
    if case .onServer(_, .enroll(let enrollment)) = message.command { enrollment.since } else { nil }
  }

  /// The reason that the sender gave, for the history.
  package var reason: String? {
    switch message.command {
    case .onServer(_, let command): command.reason
    case .allocate, .setQuota, .snapshot: nil
    }
  }
}

extension Delivery {
  /// The principal, as far as the broker vouches for it: AMQP `user-id` (basic properties, section 1.8 of AMQP 0-9-1),
  /// which RabbitMQ compares with the connection's user.
  package var actor: String? { properties.userID }

  /// W3C Trace Context, where the sender sent one.
  package var traceparent: String? {
    guard case .string(let bytes)? = properties.headers?["traceparent"] else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }
}

/// Decodes deliveries. Pure.
package struct Intake: Sendable {
  package let namespace: Namespace
  package let maxBytes: Int
  package let requireKey: Bool
  package let requireBaselineID: Bool

  package init(settings: Settings) {
    namespace = settings.amqp.namespace
    maxBytes = settings.commands.maxBytes
    requireKey = settings.commands.requireKey
    requireBaselineID = settings.baseline.requireID
  }

  package func receive(_ delivery: Delivery, from source: Source) -> Received {
    switch source {
    case .deadLetters: .deadLettered(delivery)
    case .commands(let name):
      switch CommandDecoder.decode(envelope(of: delivery, command: name)) {
      case .success(let message):
        .command(CommandTask(delivery: delivery, queue: name, message: message))
      case .failure(let refusal): .refused(delivery, name, refusal)
      }
    }
  }

  func envelope(of delivery: Delivery, command: CommandName) -> CommandEnvelope {
    let body: CommandEnvelope.Body =
      switch delivery.body {
      case .whole(let bytes): .bytes(bytes)
      case .truncated(_, let size, _): .truncated(size: Int(clamping: size))
      }
    return CommandEnvelope(
      command: command, exchange: delivery.exchange, routingKey: delivery.routingKey, namespace: namespace.rawValue,
      type: delivery.properties.type, contentType: delivery.properties.contentType,
      contentEncoding: delivery.properties.contentEncoding, messageID: delivery.properties.messageID, body: body,
      maxBytes: maxBytes, requireKey: requireKey, requireBaselineID: requireBaselineID)
  }
}
