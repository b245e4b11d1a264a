internal import GRDB
internal import Glibc
package import Lifecycle

/// Copies of databases, and whether they are whole.
enum StoreCopying {
  /// Copies one database into an empty file by SQLite's online backup (https://www.sqlite.org/backup.html), over one
  /// read transaction, so that whoever writes to it meanwhile neither waits nor has the copying begin anew.
  static func copy(
    from source: String, to target: String, pagesPerStep: Int32, options: StoreOptions,
    progress: @escaping (StoreBackup.Progress) throws -> Void
  ) throws {
    var reading = StoreFile.connectionConfiguration(options)
    reading.readonly = true
    let from = try DatabaseQueue(path: source, configuration: reading)
    defer { try? from.close() }
    var writing = StoreFile.connectionConfiguration(options)
    // It is thrown away unless it becomes whole, and is brought to disk in one go at the end.
    writing.prepareDatabase { try $0.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF") }
    let to = try DatabaseQueue(path: target, configuration: writing)
    defer { try? to.close() }
    try from.read { source in
      // A transaction sees the store as it was at its first read.
      _ = try Int.fetchOne(source, sql: "SELECT count(*) FROM sqlite_schema")
      try to.writeWithoutTransaction { target in
        try source.backup(to: target, pagesPerStep: pagesPerStep) { state in
          try progress(.copied(state.completedPageCount, of: state.totalPageCount))
        }
      }
    }
  }

  /// Copies the bytes of a file that nobody writes to.
  static func copyBytes(
    of source: String, to target: String, progress: @escaping (StoreBackup.Progress) throws -> Void
  ) throws {
    let from = Glibc.open(source, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else { throw StoreFile.systemError("cannot be opened", path: source) }
    defer { Glibc.close(from) }
    let to = Glibc.open(target, O_WRONLY | O_CLOEXEC)
    guard to >= 0 else { throw StoreFile.systemError("cannot be written", path: target) }
    defer { Glibc.close(to) }
    let pages = Int((try StoreFile.sizeOfFile(at: source) ?? 0) / pageBytes)
    var copied = 0
    var buffer = [UInt8](repeating: 0, count: chunkBytes)
    while true {
      let count = read(from, &buffer, chunkBytes)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw StoreFile.systemError("cannot be read", path: source) }
      if count == 0 { return }
      var rest = buffer[..<count]
      while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(to, $0.baseAddress, $0.count) }
        if written < 0, errno == EINTR { continue }
        guard written >= 0 else { throw StoreFile.systemError("cannot be written", path: target) }
        rest = rest.dropFirst(written)
      }
      copied += count
      try progress(.copied(min(copied / Int(pageBytes), pages), of: pages))
    }
  }

  private static let pageBytes: Int64 = 4096
  private static let chunkBytes = 4 << 20

  /// Whether the copy is a store that this release can read, and whole: every page is read.
  ///
  /// - Parameter name: what messages call it.
  static func check(_ path: String, as name: String, options: StoreOptions) throws -> StoreCopyFacts {
    let bytes = try StoreFile.sizeOfFile(at: path) ?? 0
    let queue = try DatabaseQueue(path: path, configuration: StoreFile.connectionConfiguration(options))
    defer { try? queue.close() }
    do {
      return try queue.read { database in
        _ = try StoreFile.schemaVersion(of: database, at: name)
        let problems = try String.fetchAll(database, sql: "PRAGMA quick_check(3)")
        guard problems == ["ok"] else {
          throw StoreError(.corrupt, "The \(name) is damaged: \(problems.joined(separator: "; "))")
        }
        let snapshot = Snapshot(Connection(database, path: name), operations: OperationIndexCache(SipHash(key: (0, 0))))
        let meta = try snapshot.meta()
        return StoreCopyFacts(
          storeID: meta.storeID, epoch: meta.epoch, position: meta.position, lastChangeAt: try snapshot.lastChangeAt(),
          bytes: bytes)
      }
    } catch {
      throw StoreError(error, path: name)
    }
  }
}

/// A file of our own beside another one, which gets a name of its own once it is whole. Only its owner may use it.
struct TemporaryFile {
  let path: String

  /// - Parameter target: the file that it will be.
  init(beside target: String) throws(StoreError) {
    path = target + ".new-" + String(UInt64.random(in: .min ... .max), radix: 16)
    let descriptor = Glibc.open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      let failure = SystemFailure(errno: errno)
      throw StoreError(.cannotOpen, "\(target) cannot be created: \(failure.message).", cause: failure)
    }
    Glibc.close(descriptor)
  }

  func sync() throws(StoreError) { try Self.sync(path) }

  /// Brings a file that nobody has open to disk.
  static func sync(_ path: String) throws(StoreError) {
    let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw StoreFile.systemError("cannot be opened", path: path) }
    defer { Glibc.close(descriptor) }
    guard fsync(descriptor) == 0 else { throw StoreFile.systemError("cannot be written", path: path) }
  }

  /// Removes it under this name; what became of it keeps the other.
  func remove() { for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) } }
}

extension Snapshot {
  /// When the latest entry in the history was made; `nil` where there is none.
  package func lastChangeAt() throws(StoreError) -> Timestamp? {
    var run = try connection.prepare(Statements.lastChange)
    return try run.step() ? run.moment(0) : nil
  }
}

private enum Statements {
  static let lastChange = SQLText("SELECT at FROM history ORDER BY position DESC LIMIT 1")
}
