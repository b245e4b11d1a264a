/// A message to publish.
package struct OutboundMessage: Sendable, Hashable {
  /// At most 255 bytes; empty is the default exchange, where the routing key is the name of a queue.
  package var exchange: String
  /// At most 255 bytes.
  package var routingKey: String
  /// Come back as `Inbound.returned` when no queue takes it.
  package var mandatory: Bool
  package var properties: Properties
  package var body: [UInt8]

  package init(
    exchange: String, routingKey: String, mandatory: Bool = false, properties: Properties = Properties(), body: [UInt8]
  ) {
    self.exchange = exchange
    self.routingKey = routingKey
    self.mandatory = mandatory
    self.properties = properties
    self.body = body
  }
}

/// How far `Connection.publish` came.
package struct Published: Sendable, Hashable {
  /// Sequence number of the first message, as confirms name it. Counted from 1 since `enableConfirms()`; 0 without.
  package let first: UInt64
  /// How many were written. Fewer than given when the broker blocks, when the connection does not move, or when the task
  /// was cancelled; the rest was not begun.
  package let count: Int

  package init(first: UInt64, count: Int) {
    self.first = first
    self.count = count
  }

  /// The sequence numbers that were used.
  package var sequences: Range<UInt64> { first..<(first + UInt64(count)) }
}
