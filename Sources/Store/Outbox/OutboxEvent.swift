package import Lifecycle

/// An event that is to be published: the same bytes each time, until the broker has confirmed it.
package struct OutboxEvent: Hashable, Sendable {
  package enum Content: Hashable, Sendable {
    /// The bytes as they are published.
    case bytes([UInt8])
    /// A change of a server. The history has its document at the same position already, so the outbox only names it.
    case change(PublishedChange)
  }

  /// From ``Transaction/nextPosition()``: one position, one event.
  package let position: Int64
  /// Of the store when it was decided. With the position it gives the event's id.
  package let epoch: Int64
  /// When it was decided.
  package let at: Timestamp
  package let routingKey: String
  package let traceparent: String?
  package let content: Content

  package init(
    position: Int64, epoch: Int64, at: Timestamp, routingKey: String, traceparent: String? = nil, content: Content
  ) {
    self.position = position
    self.epoch = epoch
    self.at = at
    self.routingKey = routingKey
    self.traceparent = traceparent
    self.content = content
  }

  /// Bytes of what is not the same in every event.
  package var size: Int {
    switch content {
    case .bytes(let bytes): bytes.count
    case .change(let change): change.data.count
    }
  }
}

/// A change of a server, as far as its event tells of it.
package struct PublishedChange: Hashable, Sendable {
  package let event: ServerEvent
  package let serverID: ServerID
  package let version: Int64
  /// JSON of the state as that version left it.
  package let data: [UInt8]

  package init(event: ServerEvent, serverID: ServerID, version: Int64, data: [UInt8]) {
    self.event = event
    self.serverID = serverID
    self.version = version
    self.data = data
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
