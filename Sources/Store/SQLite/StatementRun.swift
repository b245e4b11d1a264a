internal import GRDBSQLite
internal import Lifecycle

/// One use of a prepared statement: bind in the order of the parameters, step, read columns by index.
/// Resets the statement at its end, whatever happens, so that no read is left open behind it.
struct StatementRun: ~Copyable {
  private let statement: OpaquePointer
  private let connection: Connection
  private var parameter: Int32 = 0
  private var bindFailure: Int32 = SQLITE_OK

  init(_ statement: OpaquePointer, on connection: Connection) {
    precondition(sqlite3_stmt_busy(statement) == 0, "a statement is used twice at once")
    self.statement = statement
    self.connection = connection
  }

  deinit { sqlite3_reset(statement) }

  // MARK: Binding

  mutating func bind(_ value: Int64?) {
    parameter += 1
    if let value {
      note(sqlite3_bind_int64(statement, parameter, value))
    } else {
      note(sqlite3_bind_null(statement, parameter))
    }
  }

  mutating func bind(_ value: Int) { bind(Int64(value)) }
  mutating func bind(_ value: Bool) { bind(value ? 1 : 0 as Int64) }
  mutating func bind(_ value: (some Identifier)?) { bind(value?.rawValue) }
  mutating func bind(_ value: Timestamp?) { bind(value?.milliseconds) }

  mutating func bind(_ value: String?) {
    parameter += 1
    guard var value else {
      note(sqlite3_bind_null(statement, parameter))
      return
    }
    let result = value.withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) { text in
        // An empty string may have no address, and NULL would bind NULL.
        guard let start = text.baseAddress else { return sqlite3_bind_text(statement, parameter, "", 0, transient) }
        return sqlite3_bind_text64(
          statement, parameter, start, UInt64(text.count), transient, UInt8(SQLITE_UTF8))
      }
    }
    note(result)
  }

  mutating func bind<Name: RawRepresentable<String>>(_ value: Name?) { bind(value?.rawValue) }

  mutating func bind(_ value: [UInt8]?) {
    guard let value else {
      bind(nil as Int64?)
      return
    }
    value.withUnsafeBytes { bind(bytes: $0) }
  }

  mutating func bind(_ value: UUID128?) {
    guard let value else {
      bind(nil as Int64?)
      return
    }
    withUnsafeBytes(of: (value.high.bigEndian, value.low.bigEndian)) { bind(bytes: $0) }
  }

  /// Binds a blob; SQLite copies it.
  mutating func bind(bytes: UnsafeRawBufferPointer) {
    parameter += 1
    if let start = bytes.baseAddress, !bytes.isEmpty {
      note(sqlite3_bind_blob64(statement, parameter, start, UInt64(bytes.count), transient))
    } else {
      note(sqlite3_bind_zeroblob(statement, parameter, 0))
    }
  }

  private mutating func note(_ result: Int32) {
    if result != SQLITE_OK, bindFailure == SQLITE_OK { bindFailure = result }
  }

  // MARK: Stepping

  /// `true` where there is a row to read.
  mutating func step() throws(StoreError) -> Bool {
    guard bindFailure == SQLITE_OK else { throw connection.failure(bindFailure) }
    switch sqlite3_step(statement) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let code: throw connection.failure(code)
    }
  }

  /// Runs to the end.
  mutating func finish() throws(StoreError) {
    while try step() {}
  }

  // MARK: Columns of the row

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }
  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
  func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }
  func boolean(_ column: Int32) -> Bool { integer(column) != 0 }
  func moment(_ column: Int32) -> Timestamp { Timestamp(milliseconds: integer(column)) }
  func optionalMoment(_ column: Int32) -> Timestamp? { isNull(column) ? nil : moment(column) }

  func optionalText(_ column: Int32) -> String? {
    guard let start = sqlite3_column_text(statement, column) else { return nil }
    let count = Int(sqlite3_column_bytes(statement, column))
    return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  func text(_ column: Int32) -> String { optionalText(column) ?? "" }

  func withBytes<Result>(_ column: Int32, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let start = sqlite3_column_blob(statement, column)
    return body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
  }

  func bytes(_ column: Int32) -> [UInt8] { withBytes(column) { [UInt8]($0) } }
  func optionalBytes(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : bytes(column) }

  func optionalUUID(_ column: Int32) -> UUID128? {
    withBytes(column) { bytes in
      guard bytes.count == 16 else { return nil }
      return UUID128(
        high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
        low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
  }

  func uuid(_ column: Int32) throws(StoreError) -> UUID128 {
    guard let value = optionalUUID(column) else { throw connection.damaged("a UUID is not 16 bytes long") }
    return value
  }

  func optionalName<Name: RawRepresentable<String>>(
    _ column: Int32, of: Name.Type = Name.self
  ) throws(StoreError) -> Name? {
    guard let text = optionalText(column) else { return nil }
    guard let value = Name(rawValue: text) else {
      throw connection.damaged("“\(text)” is no \(Name.self)")
    }
    return value
  }

  func name<Name: RawRepresentable<String>>(_ column: Int32, of: Name.Type = Name.self) throws(StoreError) -> Name {
    guard let value: Name = try optionalName(column) else {
      throw connection.damaged("a \(Name.self) is missing")
    }
    return value
  }
}

/// Tells SQLite to copy what is bound (https://www.sqlite.org/c3ref/c_static.html).
private var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
