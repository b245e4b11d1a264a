package import Lifecycle

/// What the store says at one moment: every read of one `Snapshot` sees the same commit.
///
/// Valid only inside the closure it was handed to.
package class Snapshot {
  let connection: Connection
  let operations: OperationIndexCache

  init(_ connection: Connection, operations: OperationIndexCache) {
    self.connection = connection
    self.operations = operations
  }

  /// The store's place in its own story.
  package func meta() throws(StoreError) -> StoreMeta { try readMeta().meta }

  func readMeta() throws(StoreError) -> (meta: StoreMeta, worker: UUID128?) {
    var run = try connection.prepare(Statements.meta)
    guard try run.step() else { throw connection.damaged("the row of meta is missing") }
    let meta = StoreMeta(
      storeID: try run.uuid(0), epoch: run.integer(1), position: run.integer(2), outboxCount: Int(run.integer(3)),
      workerEndedCleanly: run.boolean(5), schemaVersion: Schema.version)
    return (meta, run.optionalUUID(4))
  }

  /// The epoch in which the store handed that position out.
  package func epoch(ofPosition position: Int64) throws(StoreError) -> Int64 {
    var run = try connection.prepare(Statements.epoch)
    run.bind(position)
    guard try run.step(), !run.isNull(0) else { throw connection.damaged("no epoch has position \(position)") }
    return run.integer(0)
  }
}

/// What identifies a store, and how far it is.
package struct StoreMeta: Hashable, Sendable {
  package let storeID: UUID128
  /// Raised when the store is restored from a backup.
  package let epoch: Int64
  /// The last position handed out; 0 in a new store.
  package let position: Int64
  /// Events that are not yet confirmed by the broker.
  package let outboxCount: Int
  /// `false` while a worker runs, and after one that crashed.
  package let workerEndedCleanly: Bool
  package let schemaVersion: Int
}

private enum Statements {
  static let meta = SQLText(
    "SELECT store_id, epoch, last_position, outbox_count, worker, worker_ended_cleanly FROM meta WHERE id = 1")
  static let epoch = SQLText("SELECT max(epoch) FROM epochs WHERE after_position < ?")
}
