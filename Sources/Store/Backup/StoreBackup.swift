internal import GRDB
internal import Glibc
package import Lifecycle

/// A whole copy of a store in one file, made while a worker writes to it, or while none does.
package enum StoreBackup {
  /// How far the copying has come.
  package enum Progress: Hashable, Sendable {
    /// In pages of the database.
    case copied(Int, of: Int)
    /// All of it is copied; it is being read again, to see that it is whole.
    case checking
  }

  /// Copies the store at `path` into `file`, which appears under that name only when it is whole, on disk and checked.
  /// Only its owner may read and write it.
  ///
  /// The copy is the store as it was when the copying began: one read transaction covers all of it, which keeps no
  /// commit waiting; without it every commit would have SQLite's online backup begin anew. Meanwhile the write-ahead
  /// log cannot begin anew and grows with what is written.
  ///
  /// Blocks the thread.
  ///
  /// - Parameters:
  ///   - pagesPerStep: how many are copied between two looks at `progress`.
  ///   - replaces: whether a file of that name may be replaced. The store itself never is.
  ///   - progress: what it throws ends the copying, and nothing is left of it.
  /// - Returns: what the copy says of itself.
  package static func make(
    of path: String, to file: String, replaces: Bool, pagesPerStep: Int = 1024, options: StoreOptions = StoreOptions(),
    progress: @escaping (Progress) throws -> Void
  ) throws(StoreError) -> StoreCopyFacts {
    guard case .store = try StoreFile.look(at: path, options: options) else {
      throw StoreError(.cannotOpen, "There is no store at \(path) to make a backup of. Check store.path.")
    }
    try checkTarget(file, store: path, replaces: replaces)
    let copy = try TemporaryFile(beside: file)
    defer { copy.remove() }
    let facts: StoreCopyFacts
    do {
      try StoreCopying.copy(
        from: path, to: copy.path, pagesPerStep: Int32(clamping: pagesPerStep), options: options, progress: progress)
      try copy.sync()
      try progress(.checking)
      facts = try StoreCopying.check(copy.path, as: "copy \(file)", options: options)
    } catch {
      throw StoreError(error, path: path)
    }
    if replaces {
      guard rename(copy.path, file) == 0 else { throw failure(file) }
    } else {
      // A link and no renaming: what has come there meanwhile stays.
      guard link(copy.path, file) == 0 else {
        if errno == EEXIST { throw inTheWay(file) }
        throw failure(file)
      }
    }
    StoreFile.syncDirectory(of: file)
    return facts
  }

  private static func checkTarget(_ file: String, store: String, replaces: Bool) throws(StoreError) {
    for suffix in ["-wal", "-shm", "-journal"] where exists(file + suffix) {
      throw StoreError(
        .refused,
        "\(file)\(suffix) is there, so \(file) is a database that is in use, or was left by a crash. Name another file."
      )
    }
    guard exists(file) else { return }
    // What it leads to is what counts: a link to the store is the store.
    if let target = try? FileID(of: file), try target == FileID(of: store) {
      throw StoreError(.refused, "\(file) is the store itself. Name another file for its backup.")
    }
    guard replaces else { throw inTheWay(file) }
  }

  private static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  private static func inTheWay(_ file: String) -> StoreError {
    StoreError(
      .refused, "\(file) is there already, and was not touched. Name another file, or replace it with --force.")
  }

  private static func failure(_ file: String) -> StoreError {
    let failure = SystemFailure(errno: errno)
    return StoreError(.cannotOpen, "\(file) cannot be written: \(failure.message).", cause: failure)
  }
}

/// What a copy of a store says of itself.
package struct StoreCopyFacts: Hashable, Sendable {
  package let storeID: UUID128
  package let epoch: Int64
  /// The last position handed out.
  package let position: Int64
  /// Of the latest entry in the history; `nil` where there is none.
  package let lastChangeAt: Timestamp?
  package let bytes: Int64
}
