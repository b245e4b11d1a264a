private import CSQLiteSetup

/// What is set for all of SQLite in this process, before its first connection.
enum SQLiteSetup {
  /// Without statistics of memory, which nobody reads and which take a lock around every allocation, several times a
  /// statement (https://www.sqlite.org/malloc.html#_memory_statistics). Where SQLite is in use already it stays as it is.
  static let once: Void = { _ = ostler_sqlite3_count_no_memory() }()
}
