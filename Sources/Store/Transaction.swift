package import Lifecycle

/// One durable transaction: sees what it has written itself, and either all of it lasts or nothing does.
///
/// Valid only inside the closure it was handed to.
package final class Transaction: Snapshot {
  /// Epoch and identity as they were when the transaction began.
  package let epoch: Int64
  package let storeID: UUID128
  private var position: Int64
  private let firstPosition: Int64
  private var outboxChange = 0

  init(_ connection: Connection, operations: OperationIndexCache, meta: StoreMeta) {
    epoch = meta.epoch
    storeID = meta.storeID
    position = meta.position
    firstPosition = meta.position
    super.init(connection, operations: operations)
  }

  /// The next place in the order of all events of this store. Never handed out again once this has committed.
  package func nextPosition() -> Int64 {
    position += 1
    return position
  }

  func countOutbox(_ change: Int) { outboxChange += change }

  /// Writes what the transaction itself counts; the last step before the commit.
  func settle() throws(StoreError) {
    guard position != firstPosition || outboxChange != 0 else { return }
    var run = try connection.prepare(Statements.settle)
    run.bind(position)
    run.bind(outboxChange)
    try run.finish()
  }

  /// Raises the epoch, for a store that was restored from a backup: subscribers then know that positions and versions
  /// may repeat. The new epoch counts from the next transaction on, so this one hands out no position.
  ///
  /// - Parameter epoch: higher than the store's.
  package func raiseEpoch(to epoch: Int64) throws(StoreError) {
    precondition(epoch > self.epoch, "an epoch is never given out twice")
    precondition(position == firstPosition, "a transaction is of one epoch")
    var raise = try connection.prepare(Statements.raiseEpoch)
    raise.bind(epoch)
    try raise.finish()
    var note = try connection.prepare(Statements.noteEpoch)
    note.bind(epoch)
    note.bind(position)
    try note.finish()
  }

  func takeOver(as owner: UUID128) throws(StoreError) -> TakeOver {
    let meta = try meta()
    try setWorker(owner)
    return TakeOver(token: WorkerToken(owner: owner), meta: meta)
  }

  /// - Parameter owner: `nil`: nobody may commit for the worker until one takes the store over.
  func setWorker(_ owner: UUID128?) throws(StoreError) {
    var run = try connection.prepare(Statements.setWorker)
    run.bind(owner)
    try run.finish()
  }

  /// Notes that the worker stops in good order, as the last thing that it commits.
  package func endWorkerCleanly() throws(StoreError) { try connection.run(Statements.endWorker) }
}

private enum Statements {
  static let settle = SQLText("UPDATE meta SET last_position = ?, outbox_count = outbox_count + ? WHERE id = 1")
  static let raiseEpoch = SQLText("UPDATE meta SET epoch = ? WHERE id = 1")
  static let noteEpoch = SQLText("INSERT INTO epochs (epoch, after_position) VALUES (?, ?)")
  static let setWorker = SQLText("UPDATE meta SET worker = ?, worker_ended_cleanly = 0 WHERE id = 1")
  static let endWorker = SQLText("UPDATE meta SET worker_ended_cleanly = 1 WHERE id = 1")
}
