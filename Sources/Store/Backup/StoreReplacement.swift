internal import GRDB
internal import Glibc

/// A backup on its way into the place of a store: a copy beside it, which is made ready there and then takes its name in
/// one step. Until then the store is as it was; from then on it is whole and ready. A process that is killed at any point
/// leaves one or the other, and whoever comes next clears up.
///
/// The store that was there is kept under another name. One process at a time may do this to a store.
package final class StoreReplacement {
  /// What has been done when it is reached. For tests that end the process there.
  package enum Step: String, CaseIterable, Sendable {
    case copied, folded, linked, moved, replaced
  }

  /// What was in the place of the store.
  package enum Previous: Hashable, Sendable {
    case nothing
    /// Kept under this name.
    case kept(String)
  }

  /// Of the store that is to be replaced.
  package let path: String
  /// What the backup said of itself.
  package let backup: StoreCopyFacts
  private let options: StoreOptions
  /// Holds the lock on the copy; closing it while a connection to the copy is open would take SQLite's locks away.
  private let descriptor: Int32
  private let reached: (Step) -> Void
  private var isDone = false

  private static let pagesPerStep: Int32 = 1024
  private static let sidecars = ["-wal", "-shm", "-journal"]

  /// The copy, while it is made ready.
  package var preparedPath: String { Self.preparedPath(for: path) }
  private static func preparedPath(for path: String) -> String { path + ".restoring" }

  /// Copies the backup `file` beside the store at `path`, which need not be there, and checks it: a store, not a newer
  /// one, and whole. The backup is not written to; it may be the store itself, where an old copy was put by hand. Blocks
  /// the thread.
  ///
  /// - Parameters:
  ///   - progress: what it throws ends it, and nothing is left of it.
  ///   - reached: told of every step.
  package init(
    of path: String, by file: String, options: StoreOptions = StoreOptions(),
    progress: @escaping (StoreBackup.Progress) throws -> Void, reached: @escaping (Step) -> Void = { _ in }
  ) throws(StoreError) {
    self.path = path
    self.options = options
    self.reached = reached
    guard try StoreFile.lookAtHeader(of: file) else {
      throw StoreError(.cannotOpen, "There is no file \(file).")
    }
    let prepared = Self.preparedPath(for: path)
    descriptor = try Self.lock(prepared)
    do {
      try Self.copy(file, to: prepared, options: options, progress: progress)
      try progress(.checking)
      backup = try StoreCopying.check(prepared, as: file, options: options)
      reached(.copied)
    } catch {
      Self.remove(prepared)
      close(descriptor)
      throw StoreError(error, path: file)
    }
  }

  deinit {
    if !isDone { Self.remove(preparedPath) }
    close(descriptor)
  }

  /// The copy as a store, to make it ready; migrated where an earlier release wrote it. Close it before ``takePlace(as:)``.
  package func open() throws(StoreError) -> Store { try Store.open(at: preparedPath, options: options) }

  /// Puts the copy in the place of the store, which is kept under the name `aside`, or that name and a number. Blocks the
  /// thread.
  ///
  /// - Throws: ``StoreError/Code/refused`` while another process has the store open.
  package func takePlace(keeping aside: String) throws(StoreError) -> Previous {
    try Self.fold(preparedPath, options: options)
    try TemporaryFile.sync(preparedPath)
    let previous = try setAside(as: aside)
    reached(.moved)
    guard rename(preparedPath, path) == 0 else { throw StoreFile.systemError("cannot be replaced", path: path) }
    isDone = true
    StoreFile.syncDirectory(of: path)
    reached(.replaced)
    return previous
  }

  /// Whether a process has the store at `path` open: the worker, a standby, or somebody who looks at it.
  package static func isInUse(_ path: String, options: StoreOptions = StoreOptions()) throws(StoreError) -> Bool {
    guard try StoreFile.sizeOfFile(at: path) ?? 0 > 0 else { return false }
    do throws(StoreError) {
      try fold(path, options: options)
      return false
    } catch {
      switch error.code {
      case .busy: return true
      // Whatever it is, it cannot be open as a store.
      case .corrupt, .notOstler: return false
      default: throw error
      }
    }
  }

  // MARK: The copy

  /// Takes the lock on the copy, and clears away what a run that was killed left of it.
  private static func lock(_ prepared: String) throws(StoreError) -> Int32 {
    while true {
      let descriptor = Glibc.open(prepared, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw StoreFile.systemError("cannot be created", path: prepared) }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        close(descriptor)
        throw StoreError(.refused, "Another 'ostler restore' is at work on \(prepared). Wait for it, or stop it.")
      }
      // The one that had the lock may have given the file its name as the store meanwhile.
      var mine = stat()
      guard fstat(descriptor, &mine) == 0, let named = try? FileID(of: prepared),
        named == FileID(mine)
      else {
        close(descriptor)
        continue
      }
      for suffix in sidecars { unlink(prepared + suffix) }
      guard ftruncate(descriptor, 0) == 0, fchmod(descriptor, 0o600) == 0 else {
        close(descriptor)
        throw StoreFile.systemError("cannot be written", path: prepared)
      }
      return descriptor
    }
  }

  private static func remove(_ prepared: String) {
    for suffix in [""] + sidecars { unlink(prepared + suffix) }
  }

  /// A backup is one file; bytes are copied, because a connection would leave files beside it. A copy of a store that was
  /// taken with its log is read through SQLite.
  private static func copy(
    _ file: String, to prepared: String, options: StoreOptions,
    progress: @escaping (StoreBackup.Progress) throws -> Void
  ) throws {
    for suffix in ["-wal", "-journal"] where try StoreFile.sizeOfFile(at: file + suffix) ?? 0 > 0 {
      return try StoreCopying.copy(
        from: file, to: prepared, pagesPerStep: pagesPerStep, options: options, progress: progress)
    }
    try StoreCopying.copyBytes(of: file, to: prepared, progress: progress)
  }

  // MARK: The store that is there

  /// Writes the log of a database back into it and removes it, with nobody else having it open.
  ///
  /// - Throws: ``StoreError/Code/busy`` while somebody has.
  private static func fold(_ path: String, options: StoreOptions) throws(StoreError) {
    // SQLite would empty the log of what it does not take for a database.
    guard try StoreFile.readHeader(of: path) != nil else {
      throw StoreError(.notOstler, "The file \(path) is no SQLite database, or its first page is damaged.")
    }
    var configuration = StoreFile.connectionConfiguration(options)
    // Every connection in WAL mode keeps a shared lock for as long as it is open, so this waits for the last to close
    // (https://www.sqlite.org/pragma.html#pragma_locking_mode).
    configuration.prepareDatabase { try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      defer { try? queue.close() }
      try queue.writeWithoutTransaction { database in
        try database.execute(sql: "BEGIN EXCLUSIVE; COMMIT")
        _ = try Row.fetchOne(database, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
      }
    } catch {
      throw StoreError(error, path: path)
    }
    guard try StoreFile.sizeOfFile(at: path + "-wal") ?? 0 == 0 else {
      throw StoreError(
        .busy, "The write-ahead log of \(path) could not be written back into it. Does somebody have it open?")
    }
  }

  /// The store keeps its name until the copy takes it; until then it has two.
  private func setAside(as wanted: String) throws(StoreError) -> Previous {
    guard try StoreFile.sizeOfFile(at: path) != nil else {
      // A log without its store must not be found beside another one: it would be written into it.
      guard try moveSidecars(to: try free(wanted)) else { return .nothing }
      return .kept(wanted)
    }
    do throws(StoreError) {
      try Self.fold(path, options: options)
    } catch {
      switch error.code {
      case .busy:
        throw StoreError(
          .refused,
          "The store \(path) is open in another process. Stop the worker, and every standby; 'fuser \(path)' names who "
            + "has it. Nothing was changed.", cause: error)
      // What is damaged is kept as it is, with its log.
      case .corrupt, .notOstler: break
      case .cannotOpen, .diskFull, .ioError, .readOnly, .newerSchema, .migrationNeeded, .fenced, .refused, .cancelled,
        .defect:
        throw error
      }
    }
    reached(.folded)
    let aside: String
    if let begun = try leftBehind() {
      // A run that was killed here had given it this name.
      aside = begun
    } else {
      aside = try free(wanted)
      guard link(path, aside) == 0 else { throw StoreFile.systemError("cannot be kept as \(aside)", path: path) }
    }
    reached(.linked)
    try moveSidecars(to: aside)
    StoreFile.syncDirectory(of: path)
    return .kept(aside)
  }

  /// What lies beside the store belongs to it alone: SQLite would take it for the copy's.
  @discardableResult
  private func moveSidecars(to aside: String) throws(StoreError) -> Bool {
    unlink(path + "-shm")
    var moved = false
    for suffix in ["-wal", "-journal"] {
      guard let size = try StoreFile.sizeOfFile(at: path + suffix) else { continue }
      guard (size == 0 ? unlink(path + suffix) : rename(path + suffix, aside + suffix)) == 0 else {
        throw StoreFile.systemError("cannot be kept as \(aside)", path: path + suffix)
      }
      moved = moved || size > 0
    }
    return moved
  }

  /// The wanted name, or that name and a number where it is taken.
  private func free(_ wanted: String) throws(StoreError) -> String {
    var name = wanted
    var number = 1
    while try StoreFile.sizeOfFile(at: name) != nil {
      number += 1
      name = "\(wanted)-\(number)"
    }
    return name
  }

  /// Another name of the store, in its folder, which a run that was killed gave it.
  private func leftBehind() throws(StoreError) -> String? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_nlink > 1 else { return nil }
    let store = FileID(status)
    let (folder, name) = Self.split(path)
    guard let directory = opendir(folder.isEmpty ? "." : folder) else { return nil }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let other = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      guard other != name, other.hasPrefix(name + "."), let id = try? FileID(of: folder + other), id == store else {
        continue
      }
      return folder + other
    }
    return nil
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return ("", path) }
    return (String(path[...slash]), String(path[path.index(after: slash)...]))
  }
}
