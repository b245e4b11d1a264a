package import Lifecycle

/// How large the store is, in bytes.
package struct StoreSizes: Hashable, Sendable {
  package let database: Int
  /// The write-ahead log's file. It keeps its size when it begins anew, so it says how far it once grew.
  package let log: Int
  /// Within the database, for what comes next.
  package let free: Int
}

/// What the metrics count.
package struct StoreCounters: Hashable, Sendable {
  package let outbox: OutboxDepth
  package let letters: [DeadLetterState: Int]
  /// When the letter came that has been open for longest.
  package let oldestOpenLetterAt: Timestamp?
  /// The last position handed out.
  package let position: Int64
}

extension Store {
  package func counters() async throws(StoreError) -> StoreCounters {
    try await read { (snapshot) throws(StoreError) in
      StoreCounters(
        outbox: try snapshot.outboxDepth(), letters: try snapshot.letterCounts(),
        oldestOpenLetterAt: try snapshot.oldestOpenLetterAt(), position: try snapshot.meta().position)
    }
  }

  package func sizes() async throws(StoreError) -> StoreSizes {
    let path = path
    return try await read { (snapshot) throws(StoreError) in
      let pageSize = try snapshot.connection.number(Statements.pageSize)
      return StoreSizes(
        database: try snapshot.connection.number(Statements.pages) * pageSize,
        log: Int(try StoreFile.sizeOfFile(at: path + "-wal") ?? 0),
        free: try snapshot.connection.number(Statements.freePages) * pageSize)
    }
  }
}

private enum Statements {
  static let pageSize = SQLText("PRAGMA page_size")
  static let pages = SQLText("PRAGMA page_count")
  static let freePages = SQLText("PRAGMA freelist_count")
}
