import Foundation
import Lifecycle
import Store
import TestSupport

/// The one store file of a simulation's thread: made once, and emptied before each run, which is quicker than making one.
/// In memory where the system has a file system for that.
final class StoreFile {
  let store: Store
  let probe: StoreProbe
  private let path: String
  private let tables: [String]

  init() throws {
    let shared = "/dev/shm"
    let directory =
      FileManager.default.isWritableFile(atPath: shared) ? shared : FileManager.default.temporaryDirectory.path
    path = "\(directory)/ostler-simulation-\(getpid())-\(UUID().uuidString)"
    // A store's id is random, and events are named by it.
    let first = try Store.open(at: path)
    try StoreProbe(path).rows("UPDATE meta SET store_id = x'5157a7e0000040008000000000000001'")
    _ = consume first
    store = try Store.open(at: path, options: StoreOptions(checkpointPages: 1000))
    probe = try StoreProbe(path)
    tables = try probe.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'meta'").map { $0[0] }
  }

  deinit { for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) } }

  func reset() throws {
    try probe.rows("BEGIN IMMEDIATE")
    for table in tables { try probe.rows("DELETE FROM \(table)") }
    try probe.rows(
      """
      UPDATE meta SET epoch = 1, last_position = 0, outbox_count = 0, worker = NULL, worker_ended_cleanly = 1
      """)
    try probe.rows("INSERT INTO epochs (epoch, after_position) VALUES (1, 0)")
    try probe.rows("COMMIT")
  }
}
