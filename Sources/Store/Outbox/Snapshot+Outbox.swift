internal import Lifecycle

extension Snapshot {
  /// The events after `position` in commit order: at most `limit` of them and at most `maxBytes` of content, but at
  /// least one where there is one.
  package func outbox(after position: Int64 = 0, limit: Int, maxBytes: Int) throws(StoreError) -> [OutboxEvent] {
    var run = try connection.prepare(Statements.list)
    run.bind(position)
    run.bind(limit)
    var events: [OutboxEvent] = []
    var bytes = 0
    while try run.step() {
      let event = OutboxEvent(
        position: run.integer(0), epoch: run.integer(1), at: run.moment(2), routingKey: run.text(3),
        traceparent: run.optionalText(4), content: try content(in: run))
      bytes += event.size
      if bytes > maxBytes, !events.isEmpty { break }
      events.append(event)
    }
    return events
  }

  private func content(in run: borrowing StatementRun) throws(StoreError) -> OutboxEvent.Content {
    if let bytes = run.optionalBytes(5) { return .bytes(bytes) }
    guard let event: ServerEvent = try run.optionalName(6), let data = run.optionalBytes(9) else {
      throw connection.damaged("the change at position \(run.integer(0)) is to be published and not in the history")
    }
    return .change(
      PublishedChange(event: event, serverID: ServerID(run.integer(7)), version: run.integer(8), data: data))
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
    """
    SELECT o.position, o.epoch, o.at, o.routing_key, o.traceparent, o.body, h.event, h.server_id, h.version, h.data
    FROM outbox AS o LEFT JOIN history AS h ON o.body IS NULL AND h.position = o.position
    WHERE o.position > ? ORDER BY o.position LIMIT ?
    """)
  static let oldest = SQLText("SELECT position, at FROM outbox ORDER BY position LIMIT 1")
}
