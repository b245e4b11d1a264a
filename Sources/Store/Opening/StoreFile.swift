internal import GRDB
internal import Glibc
internal import Lifecycle

/// The file of a store, as it is looked at before anything may change it, and as it is made.
enum StoreFile {
  enum Kind: Hashable {
    case missing
    case store(schemaVersion: Int)
  }

  /// Tells what is there without changing it. Refuses what is not a store, is damaged, or is newer.
  ///
  /// The file's own header comes first: a connection, even one that may not write, leaves files beside a database in
  /// WAL mode. What the header says of kind and version can only be too old; so a connection has the last word.
  static func look(at path: String, options: StoreOptions) throws(StoreError) -> Kind {
    guard try lookAtHeader(of: path) else { return .missing }
    var configuration = connectionConfiguration(options)
    configuration.readonly = true
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      defer { try? queue.close() }
      return .store(schemaVersion: try queue.read { try schemaVersion(of: $0, at: path) })
    } catch {
      throw StoreError(error, path: path)
    }
  }

  /// What can be told without a connection, which would leave files beside it.
  ///
  /// - Returns: whether there is a file.
  static func lookAtHeader(of path: String) throws(StoreError) -> Bool {
    let logSize = try sizeOfFile(at: path + "-wal") ?? 0
    guard let size = try sizeOfFile(at: path) else {
      guard logSize == 0 else {
        throw StoreError(
          .corrupt,
          "The store \(path) is missing, but its write-ahead log \(path)-wal is there. Put the store back beside it, "
            + "or move the log away if the store is to begin anew.")
      }
      return false
    }
    guard size > 0 else {
      throw StoreError(
        .notOstler,
        "The file \(path) is empty, so it is no store. If it was one, restore a backup; if not, remove the file and a "
          + "new store is created.")
    }
    guard let header = try readHeader(of: path) else {
      throw StoreError(
        .notOstler,
        "The file \(path) is not a store: it is no SQLite database, or its first page is damaged. Nothing was changed; "
          + "name another file in store.path, or restore a backup.")
    }
    try accept(application: header.applicationID, version: header.userVersion, at: path)
    // With a log, pages may not have been written back yet.
    guard logSize > 0 || size >= header.size else {
      throw StoreError(
        .corrupt,
        "The store \(path) is damaged: \(size) bytes of \(header.size) are there. Nothing was changed; restore a "
          + "backup.")
    }
    return true
  }

  /// The schema of an open store that this release can read.
  ///
  /// - Parameter path: as messages call it.
  static func schemaVersion(of database: Database, at path: String) throws -> Int {
    let version = try Int32.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    try accept(
      application: try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0, version: version, at: path)
    guard version >= 1, try Int.fetchOne(database, sql: "SELECT count(*) FROM meta") == 1 else {
      throw StoreError(
        .corrupt, "The store \(path) is damaged: it says nothing of itself. Stop the worker and restore a backup.")
    }
    return Int(version)
  }

  private static func accept(application: Int32, version: Int32, at path: String) throws(StoreError) {
    guard application == Schema.applicationID else {
      throw StoreError(
        .notOstler,
        "The file \(path) is an SQLite database, but not Ostler's (application id \(application)). Nothing was "
          + "changed; name another file in store.path.")
    }
    guard version <= Schema.version else {
      throw StoreError(
        .newerSchema,
        "The store \(path) has schema \(version); this release knows schemas up to \(Schema.version). Nothing was "
          + "changed; run the release that wrote it, or a newer one.")
    }
  }

  /// What the first 100 bytes say (https://www.sqlite.org/fileformat2.html#the_database_header). `nil`: they are not
  /// those of an SQLite database.
  static func readHeader(of path: String) throws(StoreError) -> Header? {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw systemError("cannot be opened", path: path) }
    defer { Glibc.close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Header.length)
    let count = pread(descriptor, &bytes, Header.length, 0)
    guard count >= 0 else { throw systemError("cannot be read", path: path) }
    return Header(bytes: bytes, count: count)
  }

  /// Makes a new store beside `path` and gives it that name once it is whole, so that no half-made store is ever
  /// found. If another process was quicker, its store stays. Only the owner may read and write the file.
  static func create(at path: String, options: StoreOptions) throws(StoreError) {
    var random = SystemRandomNumberGenerator()
    let temporary = path + ".new-" + String(random.next() as UInt64, radix: 16)
    let descriptor = Glibc.open(temporary, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw systemError("cannot be created", path: path) }
    defer {
      Glibc.close(descriptor)
      for suffix in ["", "-wal", "-shm", "-journal"] { unlink(temporary + suffix) }
    }
    do {
      let queue = try DatabaseQueue(path: temporary, configuration: connectionConfiguration(options))
      defer { try? queue.close() }
      let id = UUID128(randomHigh: random.next(), randomLow: random.next())
      try Schema.migrator(storeID: id).migrate(queue)
      try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
      try queue.close()
    } catch {
      throw StoreError(error, path: path)
    }
    guard fsync(descriptor) == 0 else { throw systemError("cannot be written", path: path) }
    guard link(temporary, path) == 0 || errno == EEXIST else { throw systemError("cannot be created", path: path) }
    syncDirectory(of: path)
  }

  /// What every connection has in common. Double-quoted strings are off by GRDB's default, foreign keys on.
  static func connectionConfiguration(_ options: StoreOptions) -> Configuration {
    SQLiteSetup.once
    var configuration = Configuration()
    configuration.busyMode = .timeout(options.busyTimeout / .seconds(1))
    configuration.label = "store"
    return configuration
  }

  /// `nil` where there is no such file.
  static func sizeOfFile(at path: String) throws(StoreError) -> Int64? {
    var status = stat()
    guard stat(path, &status) == 0 else {
      if errno == ENOENT { return nil }
      throw systemError("cannot be opened", path: path)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw StoreError(.cannotOpen, "The store \(path) cannot be opened: it is not a regular file.")
    }
    return Int64(status.st_size)
  }

  /// Makes new names in the folder of `path` last (fsync(2): the directory needs its own).
  static func syncDirectory(of path: String) {
    let directory = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    let descriptor = Glibc.open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    fsync(descriptor)
    Glibc.close(descriptor)
  }

  /// The failure of the last system call.
  static func systemError(_ what: String, path: String) -> StoreError {
    let failure = SystemFailure(errno: errno)
    let code: StoreError.Code =
      switch failure.errno {
      case ENOSPC, EDQUOT: .diskFull
      case EROFS: .readOnly
      case EIO: .ioError
      default: .cannotOpen
      }
    return StoreError(
      code,
      "The store \(path) \(what): \(failure.message). Check that its directory exists and may be written.",
      cause: failure)
  }
}

/// Which file it is, whatever its name (stat(2)).
struct FileID: Hashable {
  let device: UInt64
  let inode: UInt64

  init(of path: String) throws(StoreError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw StoreFile.systemError("cannot be opened", path: path) }
    self.init(status)
  }

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
  }
}

/// What the operating system said.
package struct SystemFailure: Error, Hashable, Sendable {
  package let errno: Int32
  package var message: String { String(cString: strerror(errno)) }
}
