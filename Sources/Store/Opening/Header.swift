/// The parts of a database's header that matter here (https://www.sqlite.org/fileformat2.html#the_database_header).
struct Header {
  static let length = 100
  /// Of the whole database, in bytes, as of the last checkpoint.
  let size: Int64
  let userVersion: Int32
  let applicationID: Int32

  /// `nil`: not the header of an SQLite database.
  init?(bytes: [UInt8], count: Int) {
    guard count == Self.length, bytes.starts(with: "SQLite format 3\0".utf8) else { return nil }
    func integer(at offset: Int, length: Int) -> Int64 {
      bytes[offset..<offset + length].reduce(0) { $0 << 8 | Int64($1) }
    }
    let pageSize = integer(at: 16, length: 2)
    size = integer(at: 28, length: 4) * (pageSize == 1 ? 65_536 : pageSize)
    userVersion = Int32(truncatingIfNeeded: integer(at: 60, length: 4))
    applicationID = Int32(truncatingIfNeeded: integer(at: 68, length: 4))
  }
}
