/// The name of one subscription on one channel.
package struct ConsumerTag: Sendable, Hashable, CustomStringConvertible {
  package let rawValue: String

  package init(_ rawValue: String) { self.rawValue = rawValue }

  package var description: String { rawValue }
}

/// What a delivery is acknowledged by.
///
/// `generation` says which channel it belongs to: every channel opened on a `Connection` object counts it up, also after
/// a reconnect. Broker tags start again at 1 on each channel, so a tag of an earlier generation must never be sent: it
/// would acknowledge somebody else. `Connection.ack` and `nack` leave such tags out; the broker has taken those messages
/// back already.
package struct DeliveryTag: Sendable, Hashable, Comparable {
  package let generation: UInt64
  package let value: UInt64

  package init(generation: UInt64, value: UInt64) {
    self.generation = generation
    self.value = value
  }

  package static func < (left: DeliveryTag, right: DeliveryTag) -> Bool {
    (left.generation, left.value) < (right.generation, right.value)
  }
}

/// A message that the broker gave to a subscription.
package struct Delivery: Sendable, Hashable {
  package let consumer: ConsumerTag
  package let tag: DeliveryTag
  /// It may have been delivered before.
  package let redelivered: Bool
  package let exchange: String
  package let routingKey: String
  package let properties: Properties
  package let body: Body

  package init(
    consumer: ConsumerTag, tag: DeliveryTag, redelivered: Bool, exchange: String, routingKey: String,
    properties: Properties, body: Body
  ) {
    self.consumer = consumer
    self.tag = tag
    self.redelivered = redelivered
    self.exchange = exchange
    self.routingKey = routingKey
    self.properties = properties
    self.body = body
  }
}

/// A mandatory message that no queue took. It comes before the confirm of that message.
package struct Return: Sendable, Hashable {
  package let replyCode: Int
  package let replyText: String
  package let exchange: String
  package let routingKey: String
  package let properties: Properties
  package let body: Body

  package init(
    replyCode: Int, replyText: String, exchange: String, routingKey: String, properties: Properties, body: Body
  ) {
    self.replyCode = replyCode
    self.replyText = replyText
    self.exchange = exchange
    self.routingKey = routingKey
    self.properties = properties
    self.body = body
  }
}

/// What comes in on a connection, in the order of the wire.
package enum Inbound: Sendable, Hashable {
  indirect case delivery(Delivery)
  indirect case returned(Return)
  /// The broker has taken the published message `sequence`, with `multiple` all up to it. A confirm is not a delivery.
  case confirmed(sequence: UInt64, multiple: Bool)
  /// The broker could not take it (them).
  case nacked(sequence: UInt64, multiple: Bool)
  /// The broker ended the subscription: its queue was deleted, or lost its leader.
  case consumerCancelled(ConsumerTag)
  /// The broker reads nothing from publishing connections until `unblocked` (memory or disk alarm).
  case blocked(reason: String)
  case unblocked
}
