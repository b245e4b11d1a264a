package import Lifecycle
package import Store

/// Publishes states as they are, in ascending `serverId`, a part at a time; where a part ended is in the store, so that
/// a run goes on after a crash.
package struct SnapshotPublisher {
  let transaction: Transaction
  let now: Timestamp
  /// What was written to the outbox.
  package private(set) var events: [OutboxEvent] = []

  package init(transaction: Transaction, now: Timestamp) {
    self.transaction = transaction
    self.now = now
  }

  /// - Returns: whether there is more to publish, of this run or of another one.
  package mutating func publish(atMost limit: Int) throws(StoreError) -> Bool {
    guard let run = try transaction.nextSnapshotRun() else { return false }
    let servers = try servers(of: run, limit: limit)
    for server in servers {
      guard let data = try transaction.stateData(of: server.id, version: server.version) else {
        preconditionFailure("every version of a server is in its history")
      }
      let event = SnapshotEvent(
        serverID: server.id, version: server.version, state: server.state.name, locationID: server.locationID,
        data: data)
      // Since when it is so: the time of a server never goes backwards, whatever the clock does before its next change.
      try publish(.snapshot(event), run, time: server.changedAt)
    }
    if let last = servers.last {
      try transaction.advance(run, to: last.id, published: servers.count)
    }
    if servers.count == limit {
      return true
    }
    let facts = OperationFacts(
      command: .snapshot, operation: run.request.operation, actor: run.request.actor, replayedBy: run.request.replayedBy
    )
    try publish(
      .snapshotCompleted(
        SnapshotCompleted(scope: run.request.scope, count: Int64(run.published + servers.count), facts: facts)), run,
      time: now)
    try transaction.finish(run)
    return try transaction.nextSnapshotRun() != nil
  }

  private mutating func publish(_ event: Event, _ run: SnapshotRun, time: Timestamp) throws(StoreError) {
    let position = transaction.nextPosition()
    let place = EventPlace(
      storeID: transaction.storeID, epoch: transaction.epoch, position: position, time: time,
      traceparent: run.request.traceparent)
    let waiting = OutboxEvent(event, at: place)
    try transaction.enqueue(waiting)
    events.append(waiting)
  }

  private func servers(of run: SnapshotRun, limit: Int) throws(StoreError) -> [Server] {
    switch run.request.scope {
    case .all: return try transaction.servers(after: run.cursor, limit: limit)
    case .location(let location):
      return try transaction.servers(matching: ServerFilter(location: location), after: run.cursor, limit: limit)
    case .server(let id):
      guard run.cursor == nil, let server = try transaction.server(id) else { return [] }
      return [server]
    }
  }
}
