package import AMQP

/// Where a sender wants its answer (AMQP 0-9-1 `reply-to` and `correlation-id`).
package struct ReplyAddress: Hashable, Sendable {
  package let replyTo: String
  package let correlationID: String?

  /// `nil` where no answer is asked for, or where it would go to the worker itself.
  package init?(of delivery: Delivery, namespace: Namespace) {
    guard let replyTo = delivery.properties.replyTo, !replyTo.isEmpty, !replyTo.hasPrefix(namespace.rawValue + ".")
    else { return nil }
    self.replyTo = replyTo
    correlationID = delivery.properties.correlationID
  }
}

/// An answer on its way.
package struct OutgoingReply: Hashable, Sendable {
  package let address: ReplyAddress
  /// JSON, as contract section 4 describes it.
  package let body: [UInt8]
}
