internal import GRDB
internal import Lifecycle

/// The schema's versions, and how a store comes from one to the next.
enum Schema {
  /// `PRAGMA application_id` of every store: "OSTL" (https://www.sqlite.org/pragma.html#pragma_application_id).
  static let applicationID: Int32 = 0x4F53_544C

  /// `PRAGMA user_version`: the schema that this release reads and writes.
  static let version = 1

  /// Each migration is one transaction, and is never changed once released.
  static func migrator(storeID: UUID128) -> DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { database in
      try database.execute(sql: firstSchema)
      try database.execute(
        sql: """
          INSERT INTO meta (id, store_id, epoch, last_position, outbox_count, worker, worker_ended_cleanly)
          VALUES (1, x'\(storeID.description.filter { $0 != "-" })', 1, 0, 0, NULL, 1);
          INSERT INTO epochs (epoch, after_position) VALUES (1, 0);
          """)
      try database.execute(sql: "PRAGMA application_id = \(applicationID)")
      try database.execute(sql: "PRAGMA user_version = 1")
    }
    return migrator
  }
}
