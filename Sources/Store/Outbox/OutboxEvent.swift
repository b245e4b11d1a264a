package import Lifecycle

/// An event that is to be published: the same bytes each time, until the broker has confirmed it.
package struct OutboxEvent: Hashable, Sendable {
  /// From ``Transaction/nextPosition()``: one position, one event.
  package let position: Int64
  package let id: UUID128
  /// When it was decided.
  package let at: Timestamp
  package let routingKey: String
  package let body: [UInt8]
  package let traceparent: String?

  package init(
    position: Int64, id: UUID128, at: Timestamp, routingKey: String, body: [UInt8], traceparent: String? = nil
  ) {
    self.position = position
    self.id = id
    self.at = at
    self.routingKey = routingKey
    self.body = body
    self.traceparent = traceparent
  }
}

/// How much waits to be published.
package struct OutboxDepth: Hashable, Sendable {
  package let count: Int
  /// `nil` when empty.
  package let oldestPosition: Int64?
  /// When the oldest was decided; `nil` when empty.
  package let oldestAt: Timestamp?
}
