internal import GRDB
internal import GRDBSQLite

/// What SQLite said: an extended result code (https://www.sqlite.org/rescode.html) and its words.
package struct SQLiteFailure: Error, Hashable, Sendable {
  package let extendedCode: Int32
  package let message: String

  init(extendedCode: Int32, message: String) {
    self.extendedCode = extendedCode
    self.message = message
  }
}

extension StoreError {
  /// Translates a result code of SQLite: the only place that does.
  init(_ failure: SQLiteFailure, path: String) {
    let said = "\(failure.message) (SQLite \(failure.extendedCode))"
    switch failure.extendedCode & 0xFF {
    case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL:
      self.init(
        .busy, "The store \(path) is locked by another process; nothing was changed, try again. \(said)",
        cause: failure)
    case SQLITE_FULL:
      self.init(
        .diskFull, "No space is left for the store \(path); nothing was changed. Free some disk space. \(said)",
        cause: failure)
    case SQLITE_IOERR, SQLITE_NOMEM:
      self.init(
        .ioError, "The store \(path) could not be read or written. Check the disk and the memory. \(said)",
        cause: failure)
    case SQLITE_READONLY:
      self.init(
        .readOnly,
        "The store \(path) may not be written. Check the permissions of the file and of its directory, and how the "
          + "file system is mounted. \(said)", cause: failure)
    case SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH:
      self.init(
        .cannotOpen,
        "The store \(path) cannot be opened. Check that its directory exists and that both may be read and written. "
          + said, cause: failure)
    case SQLITE_CORRUPT:
      self.init(
        .corrupt, "The store \(path) is damaged. Stop the worker and restore a backup. \(said)", cause: failure)
    case SQLITE_NOTADB:
      self.init(
        .notOstler, "The file \(path) is not a store: it is no SQLite database, or its first page is damaged. \(said)",
        cause: failure)
    case let code:
      self.init(.defect, "SQLite refused what Ostler asked of the store \(path) (\(code)): \(said)", cause: failure)
    }
  }

  /// Translates what GRDB throws.
  init(_ error: any Error, path: String) {
    switch error {
    case let error as StoreError: self = error
    case let error as DatabaseError:
      let failure = SQLiteFailure(
        extendedCode: error.extendedResultCode.rawValue, message: error.message ?? "no message")
      self.init(failure, path: path)
    default: self.init(.defect, "The store \(path) failed: \(error)", cause: error)
    }
  }
}
