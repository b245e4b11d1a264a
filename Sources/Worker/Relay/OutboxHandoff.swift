import DequeModule
package import Store

/// Events that were just committed, on their way to the relay in memory, so that they need not be read back from the store.
///
/// Bounded: what finds no room is left to the store, and so is whatever was here and is wanted once more. Pure.
package struct OutboxHandoff: Sendable {
  package static let maxCount = 4000
  package static let maxBytes = 4 << 20

  /// All committed events after this position are here.
  private var after: Int64
  private var events: Deque<OutboxEvent> = []
  private var bytes = 0

  /// - Parameter newest: the position of the newest event in the store.
  package init(newest: Int64) { after = newest }

  /// Takes the events of a transaction that is durable, in the order of their positions.
  package mutating func add(_ committed: [OutboxEvent]) {
    guard let newest = committed.last?.position else { return }
    events.append(contentsOf: committed)
    bytes += committed.reduce(0) { $0 + $1.size }
    guard events.count > Self.maxCount || bytes > Self.maxBytes else { return }
    self = OutboxHandoff(newest: newest)
  }

  /// Forgets the events up to and with `position`, and gives at most `limit` of those that follow.
  ///
  /// - Returns: `nil` where some of them are not here: the store has them.
  package mutating func take(after position: Int64, limit: Int) -> [OutboxEvent]? {
    guard position >= after else { return nil }
    while let first = events.first, first.position <= position {
      bytes -= first.size
      events.removeFirst()
    }
    after = position
    return Array(events.prefix(limit))
  }
}
