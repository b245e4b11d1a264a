internal import GRDB
package import Lifecycle

/// As the functions of the same names, for a caller that has a thread of its own to wait on: nothing is handed to another
/// thread, and nothing else happens meanwhile.
extension Store {
  package func takeOverBlocking(as owner: UUID128) throws(StoreError) -> TakeOver {
    try commitBlocking(owner: nil) { (transaction) throws(StoreError) in try transaction.takeOver(as: owner) }
  }

  package func commitBlocking<Result>(
    owner: WorkerToken?, _ body: (Transaction) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    guard !isReadOnly else { throw StoreError(.readOnly, "The store \(path) was opened for reading only.") }
    return try pool.writeWithoutTransaction { database in
      writer.transact(on: database, owner: owner, body)
    }.get()
  }

  package func readBlocking<Result>(
    _ body: (Snapshot) throws(StoreError) -> Result
  ) throws(StoreError) -> Result {
    do {
      return try pool.read { database in
        try body(Snapshot(Connection(database, path: path), operations: OperationIndexCache(operationHash)))
      }
    } catch {
      throw StoreError(error, path: path)
    }
  }
}
