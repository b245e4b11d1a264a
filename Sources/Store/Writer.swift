internal import GRDB
internal import Lifecycle

/// The writing connection's side of a transaction.
// Unchecked: its state is touched only on the writer queue of the pool, which runs one closure at a time.
final class Writer: @unchecked Sendable {
  private let path: String
  private let operationHash: SipHash
  private var connection: Connection?

  init(path: String, operationHash: SipHash) {
    self.path = path
    self.operationHash = operationHash
  }

  func transact<Success>(
    on database: Database, owner: WorkerToken?, _ body: (Transaction) throws(StoreError) -> Success
  ) -> Result<Success, StoreError> {
    let connection = connection ?? Connection(database, path: path)
    self.connection = connection
    do throws(StoreError) {
      // Left over only where a rollback failed.
      if connection.isInTransaction { try connection.run(Statements.rollback) }
      try connection.run(Statements.begin)
      return .success(try run(body, on: connection, owner: owner))
    } catch {
      // Some failures (disk full, I/O) have rolled back already. If this one fails too, the first error says more, and
      // the next transaction tries again.
      if connection.isInTransaction { try? connection.run(Statements.rollback) }
      return .failure(error)
    }
  }

  private func run<Success>(
    _ body: (Transaction) throws(StoreError) -> Success, on connection: Connection, owner: WorkerToken?
  ) throws(StoreError) -> Success {
    let (meta, worker) = try Snapshot(connection, operationHash: operationHash).readMeta()
    if let owner, worker != owner.owner {
      throw StoreError(
        .fenced,
        "Another worker has taken over the store \(path); this one may not write any more and has to stop.")
    }
    let transaction = Transaction(connection, operationHash: operationHash, meta: meta)
    let result = try body(transaction)
    try transaction.settle()
    try connection.run(Statements.commit)
    return result
  }

  func forgetStatements() {
    connection?.forgetStatements()
    connection = nil
  }
}

private enum Statements {
  static let begin = SQLText("BEGIN IMMEDIATE")
  static let commit = SQLText("COMMIT")
  static let rollback = SQLText("ROLLBACK")
}
