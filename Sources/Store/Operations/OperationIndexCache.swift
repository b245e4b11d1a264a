/// Keeps the index of operations over the transactions of one connection, as long as it is what the store says.
///
/// Lives on the queue of its connection and never leaves it.
final class OperationIndexCache {
  private let hash: SipHash
  private var index: OperationIndex?
  /// Looked at in this transaction.
  private var isCurrent = false

  init(_ hash: SipHash) { self.hash = hash }

  /// A transaction, or a snapshot, begins: somebody else may have recorded operations since the last.
  func begin() { isCurrent = false }

  /// A transaction failed: what it noted has not happened.
  func discard() { index = nil }

  func hash(_ key: [UInt8]) -> UInt64 { hash.hash(key) }

  func ids(of hash: UInt64, on connection: Connection) throws(StoreError) -> [Int64] {
    try current(on: connection).ids(of: hash, on: connection)
  }

  /// - Returns: the id for the operation that is recorded next.
  func nextID(on connection: Connection) throws(StoreError) -> Int64 { try current(on: connection).nextID }

  func append(_ hash: UInt64, on connection: Connection) throws(StoreError) {
    _ = try current(on: connection)
    try index?.append(hash, on: connection)
  }

  func forgetEmptyGenerations(through id: Int64, on connection: Connection) throws(StoreError) {
    _ = try current(on: connection)
    try index?.forgetEmptyGenerations(through: id, on: connection)
  }

  private func current(on connection: Connection) throws(StoreError) -> OperationIndex {
    if let index, isCurrent { return index }
    // Ids ascend, so one that is not known tells that somebody else was here.
    if let index, Int64(try connection.number(Statements.lastID)) < index.nextID {
      isCurrent = true
      return index
    }
    let fresh = try OperationIndex(connection, hash)
    index = fresh
    isCurrent = true
    return fresh
  }
}

private enum Statements {
  static let lastID = SQLText("SELECT max(id) FROM operations")
}
