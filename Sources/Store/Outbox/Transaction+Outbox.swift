internal import Lifecycle

extension Transaction {
  /// Adds an event to what is to be published, at a position of this transaction. Of a change only that there is one: what
  /// it was is in the history, see ``apply(_:as:)``.
  package func enqueue(_ event: OutboxEvent) throws(StoreError) {
    var run = try connection.prepare(Statements.enqueue)
    run.bind(event.position)
    run.bind(event.epoch)
    run.bind(event.at)
    run.bind(event.routingKey)
    run.bind(event.traceparent)
    switch event.content {
    case .bytes(let bytes): run.bind(bytes)
    case .change: run.bind(nil as [UInt8]?)
    }
    try run.finish()
    countOutbox(1)
  }

  /// Forgets the events up to and with `position`: the broker has confirmed them all.
  ///
  /// - Returns: how many there were.
  @discardableResult
  package func deleteOutbox(through position: Int64) throws(StoreError) -> Int {
    var run = try connection.prepare(Statements.delete)
    run.bind(position)
    try run.finish()
    let deleted = connection.changes
    countOutbox(-deleted)
    return deleted
  }
}

private enum Statements {
  static let enqueue = SQLText(
    "INSERT INTO outbox (position, epoch, at, routing_key, traceparent, body) VALUES (?, ?, ?, ?, ?, ?)")
  static let delete = SQLText("DELETE FROM outbox WHERE position <= ?")
}
