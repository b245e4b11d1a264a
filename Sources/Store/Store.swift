internal import Dispatch
internal import GRDB
internal import GRDBSQLite
package import Lifecycle

/// Everything that Ostler remembers, in one SQLite file.
///
/// One connection writes, in transactions that are durable when they return (`synchronous=FULL`); others read at the
/// same time. Several processes may have the file open: the worker, a standby, the command line.
package final class Store: Sendable {
  package let path: String
  /// As it was when the store was opened.
  package let identity: StoreIdentity
  let pool: DatabasePool
  let writer: Writer
  let operationHash: SipHash
  let isReadOnly: Bool
  /// The file that was opened; another one may have its name by now.
  private let file: FileID

  /// Opens the store for writing, creates it where there is none, and migrates it where an earlier release wrote it.
  ///
  /// Blocks the thread: for the start of a process. A file that is newer, foreign or damaged is refused and not
  /// changed.
  package static func open(at path: String, options: StoreOptions = StoreOptions()) throws(StoreError) -> Store {
    var kind = try StoreFile.look(at: path, options: options)
    if kind == .missing {
      try StoreFile.create(at: path, options: options)
      kind = try StoreFile.look(at: path, options: options)
    }
    guard case .store(let version) = kind else {
      throw StoreError(.cannotOpen, "The store \(path) was created and is gone again. Does something remove it?")
    }
    return try Store(path: path, options: options, isReadOnly: false, schemaVersion: version)
  }

  /// Opens the store for reading, whether a worker runs or not. Neither creates nor migrates.
  package static func openForReading(
    at path: String, options: StoreOptions = StoreOptions()
  ) throws(StoreError) -> Store {
    try openExisting(at: path, options: options, isReadOnly: true)
  }

  /// Opens the store for the command line to write to, whether a worker runs or not. Neither creates nor migrates:
  /// both are the worker's.
  package static func openForOperator(
    at path: String, options: StoreOptions = StoreOptions()
  ) throws(StoreError) -> Store {
    try openExisting(at: path, options: options, isReadOnly: false)
  }

  /// Whether there is a file, whatever is in it.
  package static func exists(at path: String) throws(StoreError) -> Bool {
    try StoreFile.sizeOfFile(at: path) != nil
  }

  private static func openExisting(
    at path: String, options: StoreOptions, isReadOnly: Bool
  ) throws(StoreError) -> Store {
    switch try StoreFile.look(at: path, options: options) {
    case .missing:
      throw StoreError(
        .cannotOpen,
        "There is no store at \(path). Check store.path; the worker creates the store when it first starts.")
    case .store(let version) where version < Schema.version:
      throw StoreError(
        .migrationNeeded,
        "The store \(path) has schema \(version) and this release reads schema \(Schema.version). Start the worker of "
          + "this release once: it migrates the store.")
    case .store(let version):
      return try Store(path: path, options: options, isReadOnly: isReadOnly, schemaVersion: version)
    }
  }

  private init(path: String, options: StoreOptions, isReadOnly: Bool, schemaVersion: Int) throws(StoreError) {
    self.path = path
    self.isReadOnly = isReadOnly
    var options = options
    options.checkpointPages = LogBound.pages(at: path, wanted: options.checkpointPages)
    file = try FileID(of: path)
    do {
      var configuration = StoreFile.connectionConfiguration(options)
      configuration.readonly = isReadOnly
      // A rollback that fails is reported as trouble; it must not end the process.
      configuration.allowsUnsafeTransactions = true
      let pool = try DatabasePool(path: path, configuration: configuration)
      if !isReadOnly {
        try pool.writeWithoutTransaction { try Self.setUp(writer: $0, path: path, options: options) }
        if schemaVersion < Schema.version {
          try Schema.migrator(storeID: UUID128(high: 0, low: 0)).migrate(pool)
        }
      }
      let meta = try pool.read { database in
        let connection = Connection(database, path: path)
        return try Snapshot(connection, operations: OperationIndexCache(SipHash(key: (0, 0)))).meta()
      }
      identity = StoreIdentity(storeID: meta.storeID, epoch: meta.epoch)
      operationHash = SipHash(key: (meta.storeID.high, meta.storeID.low))
      let checkpoints =
        isReadOnly
        ? nil : try pool.writeWithoutTransaction { try Checkpoints(pool: pool, writer: $0, options: options) }
      writer = Writer(path: path, operationHash: operationHash, checkpoints: checkpoints)
      self.pool = pool
    } catch {
      throw StoreError(error, path: path)
    }
    guard try isInPlace() else {
      throw StoreError(.cannotOpen, "The store \(path) was replaced by another file while it was opened. Try again.")
    }
  }

  /// Whether the file that was opened is still the one that `path` names. `false`: a backup was restored meanwhile, and
  /// what is open here is the store that was put aside for it.
  package func isInPlace() throws(StoreError) -> Bool { try FileID(of: path) == file }

  /// GRDB sets `synchronous = NORMAL` when it opens a pool; in WAL mode that can lose a transaction after a power
  /// loss, and the command would have been acked (https://www.sqlite.org/pragma.html#pragma_synchronous).
  private static func setUp(writer database: Database, path: String, options: StoreOptions) throws {
    guard sqlite3_db_readonly(database.sqliteConnection, "main") == 0 else {
      throw StoreError(
        .readOnly,
        "The store \(path) may not be written. Check the permissions of the file and how the file system is mounted.")
    }
    try database.execute(
      sql: """
        PRAGMA synchronous = FULL;
        PRAGMA cache_size = -\(options.cacheBytes / 1024);
        PRAGMA temp_store = MEMORY;
        PRAGMA journal_size_limit = \(options.checkpointPages * 4096 * 2);
        """)
    if let maxPages = options.maxPages { try database.execute(sql: "PRAGMA max_page_count = \(maxPages)") }
    guard try Int.fetchOne(database, sql: "PRAGMA synchronous") == 2 else {
      throw StoreError(.defect, "The store \(path) does not accept synchronous=FULL; nothing would be durable.")
    }
  }

  /// Takes the store over for the worker `owner`: whoever had it can commit no more.
  ///
  /// - Parameter owner: random, one per start of a worker.
  package func takeOver(as owner: UUID128) async throws(StoreError) -> TakeOver {
    try await commit(owner: nil) { (transaction) throws(StoreError) in
      try transaction.takeOver(as: owner)
    }
  }

  /// Runs `body` in one transaction. When this returns, what it wrote is on disk; when it throws, nothing is.
  ///
  /// Cancelling the calling task changes nothing about it. Throws ``StoreError/Code/fenced`` when another worker has
  /// taken over.
  ///
  /// - Parameters:
  ///   - owner: the worker's right to commit; `nil` for the command line, which changes nothing that a worker keeps
  ///     in memory.
  ///   - body: runs once, on the thread of the writing connection.
  @discardableResult
  package func commit<Result: Sendable>(
    owner: WorkerToken?, _ body: @escaping @Sendable (Transaction) throws(StoreError) -> Result
  ) async throws(StoreError) -> Result {
    guard !isReadOnly else { throw StoreError(.readOnly, "The store \(path) was opened for reading only.") }
    let writer = writer
    let pool = pool
    // The callback form: GRDB's async form rolls back when the task is cancelled.
    let result: Swift.Result<Result, StoreError> = await withCheckedContinuation { continuation in
      pool.asyncWriteWithoutTransaction { database in
        continuation.resume(returning: writer.transact(on: database, owner: owner, body))
      }
    }
    return try result.get()
  }

  /// Runs `body` over one snapshot of the store, at the same time as a commit.
  ///
  /// A snapshot that is held for long keeps the write-ahead log from being written back: read in pages.
  package func read<Result: Sendable>(
    _ body: @escaping @Sendable (Snapshot) throws(StoreError) -> Result
  ) async throws(StoreError) -> Result {
    let path = path
    let operationHash = operationHash
    let pool = pool
    let result: Swift.Result<Result, StoreError> = await withCheckedContinuation { continuation in
      pool.asyncRead { database in
        switch database {
        case .failure(let error): continuation.resume(returning: .failure(StoreError(error, path: path)))
        case .success(let database):
          let snapshot = Snapshot(
            Connection(database, path: path), operations: OperationIndexCache(operationHash))
          let result: Swift.Result<Result, StoreError>
          do throws(StoreError) {
            result = .success(try body(snapshot))
          } catch {
            result = .failure(error)
          }
          continuation.resume(returning: result)
        }
      }
    }
    return try result.get()
  }

  /// Housekeeping that is due now and then, say once an hour: a few milliseconds of the writing connection.
  package func maintain() async throws(StoreError) {
    guard !isReadOnly else { return }
    let writer = writer
    let pool = pool
    let result: Swift.Result<Void, StoreError> = await withCheckedContinuation { continuation in
      pool.asyncWriteWithoutTransaction { database in continuation.resume(returning: writer.optimize(on: database)) }
    }
    try result.get()
  }

  /// What `PRAGMA synchronous` says on the writing connection: 2, which is FULL.
  package func synchronousLevel() async throws(StoreError) -> Int {
    try await commit(owner: nil) { (transaction) throws(StoreError) in
      try transaction.connection.number(Statements.synchronous)
    }
  }

  /// Waits for what is running, and closes the file. Whatever is asked afterwards fails.
  package func close() async {
    let writer = writer
    let pool = pool
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      pool.asyncWriteWithoutTransaction { _ in
        writer.finish()
        continuation.resume()
      }
    }
    // On a thread of its own: it waits for readers. They are closed first, because only a connection that may write
    // removes the log when it is the last.
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      DispatchQueue.global().async {
        pool.releaseMemory()
        // What cannot be closed now is closed when the last reference goes.
        try? pool.close()
        continuation.resume()
      }
    }
  }
}

private enum Statements {
  static let synchronous = SQLText("PRAGMA synchronous")
}

/// Which store it is. Positions and versions of two stores, or of two epochs, do not compare.
package struct StoreIdentity: Hashable, Sendable {
  /// Random, from the store's creation.
  package let storeID: UUID128
  package let epoch: Int64
}
