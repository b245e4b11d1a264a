internal import GRDB
internal import Lifecycle

/// The writing connection's side of a transaction.
// Unchecked: its state is touched only on the writer queue of the pool, which runs one closure at a time.
final class Writer: @unchecked Sendable {
  private let path: String
  private let operations: OperationIndexCache
  private let checkpoints: Checkpoints?
  private var connection: Connection?
  private var isClosed = false

  init(path: String, operationHash: SipHash, checkpoints: Checkpoints?) {
    self.path = path
    self.checkpoints = checkpoints
    operations = OperationIndexCache(operationHash)
  }

  func transact<Success>(
    on database: Database, owner: WorkerToken?, _ body: (Transaction) throws(StoreError) -> Success
  ) -> Result<Success, StoreError> {
    guard !isClosed else { return .failure(StoreError(.defect, "The store \(path) was closed before it was used.")) }
    let connection = connection ?? Connection(database, path: path)
    self.connection = connection
    do throws(StoreError) {
      // Left over only where a rollback failed.
      if connection.isInTransaction { try connection.run(Statements.rollback) }
      try connection.run(Statements.begin)
      let result = try run(body, on: connection, owner: owner)
      checkpoints?.committed(on: database, byWorker: owner != nil)
      return .success(result)
    } catch {
      operations.discard()
      // Some failures (disk full, I/O) have rolled back already. If this one fails too, the first error says more, and
      // the next transaction tries again.
      if connection.isInTransaction { try? connection.run(Statements.rollback) }
      if error.code == .diskFull { checkpoints?.restartLog(on: database) }
      return .failure(error)
    }
  }

  private func run<Success>(
    _ body: (Transaction) throws(StoreError) -> Success, on connection: Connection, owner: WorkerToken?
  ) throws(StoreError) -> Success {
    operations.begin()
    let (meta, worker) = try Snapshot(connection, operations: operations).readMeta()
    if let owner, worker != owner.owner {
      throw StoreError(
        .fenced,
        "Another worker has taken over the store \(path); this one may not write any more and has to stop.")
    }
    let transaction = Transaction(connection, operations: operations, meta: meta)
    let result = try body(transaction)
    try transaction.settle()
    try connection.run(Statements.commit)
    return result
  }

  /// Lets SQLite renew what it knows of the tables' sizes (https://www.sqlite.org/lang_analyze.html#pragma_optimize).
  func optimize(on database: Database) -> Result<Void, StoreError> {
    guard !isClosed else { return .success(()) }
    do {
      try database.execute(sql: "PRAGMA analysis_limit = 400; PRAGMA optimize")
      return .success(())
    } catch {
      return .failure(StoreError(error, path: path))
    }
  }

  /// The connection can close afterwards.
  func finish() {
    isClosed = true
    checkpoints?.close()
    connection?.forgetStatements()
    connection = nil
  }
}

private enum Statements {
  static let begin = SQLText("BEGIN IMMEDIATE")
  static let commit = SQLText("COMMIT")
  static let rollback = SQLText("ROLLBACK")
}
