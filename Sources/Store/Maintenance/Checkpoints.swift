internal import GRDB
internal import GRDBSQLite

/// Writes the write-ahead log back into the store, and keeps it bounded.
///
/// A checkpoint of tens of thousands of pages takes a good part of a second, and a writer that does it lets commands
/// wait that long. So a second connection copies the bulk while the writer goes on (a passive checkpoint blocks
/// nobody), and the writer itself copies only what has come in meanwhile: with nothing left in the log, its next
/// transaction begins the log anew (https://www.sqlite.org/wal.html#avoiding_excessively_large_wal_files).
// Unchecked: its state is touched only on the writer queue of the pool, which runs one closure at a time.
final class Checkpoints: @unchecked Sendable {
  private let pool: DatabasePool
  private let copier: DatabaseQueue
  private let options: StoreOptions
  private let reserve: LogReserve
  /// Where SQLite's hook leaves the number of pages in the log after each commit.
  private let logPages: UnsafeMutablePointer<Int32>
  private var isCopying = false
  /// The log is looked at again when it has this many pages.
  private var threshold: Int32

  /// Must be called on the writer queue; replaces SQLite's automatic checkpoints of that connection.
  init(pool: DatabasePool, writer: Database, options: StoreOptions) throws {
    self.pool = pool
    self.options = options
    reserve = LogReserve(pool: pool, checkpointPages: options.checkpointPages)
    copier = try DatabaseQueue(path: pool.path, configuration: StoreFile.connectionConfiguration(options))
    threshold = Int32(clamping: options.checkpointPages)
    logPages = .allocate(capacity: 1)
    logPages.initialize(to: 0)
    sqlite3_wal_hook(
      writer.sqliteConnection,
      { pages, _, _, count in
        pages?.assumingMemoryBound(to: Int32.self).pointee = count
        return SQLITE_OK
      }, logPages)
  }

  deinit { logPages.deallocate() }

  /// Closes the copying connection, so that the writing one is the last and removes the log. Waits for a copy that is
  /// running.
  func close() { try? copier.close() }

  /// Called on the writer queue, outside a transaction: has the log written back now and begun anew, which needs no more
  /// room on the disk than the store's own file grows by. Holds the next readers off for a moment. Where it does not
  /// succeed nothing has changed.
  func restartLog(on writer: Database) {
    sqlite3_busy_timeout(writer.sqliteConnection, 100)
    sqlite3_wal_checkpoint_v2(writer.sqliteConnection, nil, SQLITE_CHECKPOINT_RESTART, nil, nil)
    sqlite3_busy_timeout(writer.sqliteConnection, Int32(clamping: Int(options.busyTimeout / .milliseconds(1))))
  }

  /// Called on the writer queue after each commit.
  ///
  /// - Parameter isWorker: it will commit often; the command line does so once.
  func committed(on writer: Database, byWorker isWorker: Bool) {
    let pages = logPages.pointee
    if isWorker { reserve.used(pages: Int(pages)) }
    let base = Int32(clamping: options.checkpointPages)
    if pages < base { threshold = base }
    guard pages >= threshold else { return }
    if pages >= base.multipliedReportingOverflow(by: 4).partialValue {
      // Somebody reads all the time.
      restartLog(on: writer)
      threshold = pages + base
    } else if !isCopying {
      isCopying = true
      threshold = pages + base / 4
      copier.asyncWriteWithoutTransaction { copier in
        // A failure is that of the next commit too, which reports it.
        sqlite3_wal_checkpoint_v2(copier.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        Self.syncFile(of: copier)
        self.pool.asyncWriteWithoutTransaction { writer in
          self.isCopying = false
          // The store may have been closed meanwhile.
          guard let connection = writer.sqliteConnection else { return }
          sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        }
      }
    }
  }

  /// SQLite syncs the store's file only where it has copied the whole log, which it never has while the writer goes on. The
  /// writer, which then copies the rest, would wait for everything that was copied before.
  private static func syncFile(of database: Database) {
    var file: UnsafeMutablePointer<sqlite3_file>?
    sqlite3_file_control(database.sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, &file)
    guard let file else { return }
    // A failure is the writer's too: the system tells everybody who has the file open.
    _ = file.pointee.pMethods.pointee.xSync(file, SQLITE_SYNC_NORMAL)
  }
}
