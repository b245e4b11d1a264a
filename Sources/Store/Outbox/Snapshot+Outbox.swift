internal import Lifecycle

extension Snapshot {
  /// The events after `position` in commit order: at most `limit` of them and at most `maxBytes` of bodies, but at
  /// least one where there is one.
  package func outbox(after position: Int64 = 0, limit: Int, maxBytes: Int) throws(StoreError) -> [OutboxEvent] {
    var run = try connection.prepare(Statements.list)
    run.bind(position)
    run.bind(limit)
    var events: [OutboxEvent] = []
    var bytes = 0
    while try run.step() {
      let body = run.bytes(5)
      bytes += body.count
      if bytes > maxBytes, !events.isEmpty { break }
      events.append(
        OutboxEvent(
          position: run.integer(0), id: try run.uuid(1), at: run.moment(2), routingKey: run.text(3), body: body,
          traceparent: run.optionalText(4)))
    }
    return events
  }

  package func outboxDepth() throws(StoreError) -> OutboxDepth {
    let count = try meta().outboxCount
    var run = try connection.prepare(Statements.oldest)
    guard try run.step() else { return OutboxDepth(count: count, oldestPosition: nil, oldestAt: nil) }
    return OutboxDepth(count: count, oldestPosition: run.integer(0), oldestAt: run.moment(1))
  }
}

private enum Statements {
  static let list = SQLText(
    "SELECT position, id, at, routing_key, traceparent, body FROM outbox WHERE position > ? ORDER BY position LIMIT ?")
  static let oldest = SQLText("SELECT position, at FROM outbox ORDER BY position LIMIT 1")
}
