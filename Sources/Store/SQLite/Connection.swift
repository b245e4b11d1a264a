internal import GRDB
internal import GRDBSQLite

/// A connection that GRDB lends us, with its statements prepared once.
///
/// GRDB opens, migrates and schedules; rows are bound and stepped through SQLite's own calls, because a dictionary per
/// row would cost more than the row. Lives on the queue of its connection and never leaves it.
final class Connection {
  let path: String
  private let database: Database
  private var prepared: [ObjectIdentifier: Statement] = [:]
  /// Whether there are operations from before a restore; `nil` until somebody asks.
  var knowsLostOperations: Bool?

  init(_ database: Database, path: String) {
    self.database = database
    self.path = path
  }

  /// The statement, reset and ready for its first binding. Preparing happens once per connection.
  func prepare(_ sql: SQLText) throws(StoreError) -> StatementRun {
    let statement: Statement
    if let known = prepared[ObjectIdentifier(sql)] {
      statement = known
    } else {
      do {
        statement = try database.cachedStatement(sql: sql.text)
      } catch {
        throw StoreError(error, path: path)
      }
      prepared[ObjectIdentifier(sql)] = statement
    }
    return StatementRun(statement.sqliteStatement, on: self)
  }

  /// Runs a statement that has no parameters and whose rows, if any, are of no interest.
  func run(_ sql: SQLText) throws(StoreError) {
    var run = try prepare(sql)
    try run.finish()
  }

  /// The one number that a statement without parameters tells.
  func number(_ sql: SQLText) throws(StoreError) -> Int {
    var run = try prepare(sql)
    return try run.step() ? Int(run.integer(0)) : 0
  }

  /// Rows inserted, updated or deleted by the last statement.
  var changes: Int { Int(sqlite3_changes64(database.sqliteConnection)) }

  /// What the last statement was to change was not there: a bug of ours.
  func expectOneChange(_ otherwise: @autoclosure () -> String) throws(StoreError) {
    guard changes == 1 else {
      throw StoreError(.defect, "The store \(path) refused an impossible change: \(otherwise()).")
    }
  }

  var isInTransaction: Bool { sqlite3_get_autocommit(database.sqliteConnection) == 0 }

  /// The failure of the last call.
  func failure(_ code: Int32) -> StoreError {
    let connection = database.sqliteConnection
    let extended = sqlite3_extended_errcode(connection)
    let message = sqlite3_errmsg(connection).map { String(cString: $0) } ?? "no message"
    return StoreError(
      SQLiteFailure(extendedCode: extended & 0xFF == code & 0xFF ? extended : code, message: message), path: path)
  }

  func damaged(_ what: String) -> StoreError {
    StoreError(.corrupt, "The store \(path) is damaged: \(what). Stop the worker and restore a backup.")
  }

  /// Lets go of all statements, so that the connection can close.
  func forgetStatements() { prepared = [:] }
}
