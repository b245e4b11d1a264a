import Testing
import ostler

@Suite("CSV")
struct CSVReaderTests {
  private func read(_ text: String) -> [Result<CSVRecord, CSVError>] { Array(CSVReader(Array(text.utf8))) }

  private func records(_ text: String) throws -> [CSVRecord] { try read(text).map { try $0.get() } }

  private func error(_ text: String) throws -> CSVError {
    let last = try #require(read(text).last)
    guard case .failure(let error) = last else {
      Issue.record("no error in \(text)")
      throw CSVError(line: 0, message: "")
    }
    return error
  }

  @Test("Line ends of both kinds, a last line without one, empty lines")
  func lineEnds() throws {
    #expect(
      try records("a,b\r\n1,2\n\n\r\n3,4") == [
        CSVRecord(line: 1, fields: ["a", "b"]), CSVRecord(line: 2, fields: ["1", "2"]),
        CSVRecord(line: 5, fields: ["3", "4"]),
      ])
  }

  @Test("Quotes, doubled quotes, commas and line ends inside a field")
  func quotes() throws {
    #expect(
      try records("\"a,\"\"b\"\"\r\nc\",d\n\"\",e\n") == [
        CSVRecord(line: 1, fields: ["a,\"b\"\r\nc", "d"]), CSVRecord(line: 3, fields: ["", "e"]),
      ])
  }

  @Test("A byte order mark is no part of the first field")
  func byteOrderMark() throws {
    #expect(try records("\u{FEFF}a,b\n") == [CSVRecord(line: 1, fields: ["a", "b"])])
  }

  @Test("Empty fields are fields")
  func emptyFields() throws {
    #expect(try records(",\n") == [CSVRecord(line: 1, fields: ["", ""])])
    #expect(try records("a,") == [CSVRecord(line: 1, fields: ["a", ""])])
  }

  @Test("Mistakes are told with the line they are on")
  func mistakes() throws {
    #expect(try error("a\nb\n\"c").line == 3)
    #expect(try error("a\n\"b\nc\nd").line == 2)
    #expect(try error("a,b\n\"x\"y,z\n").line == 2)
    #expect(try error("a,b\nx\"y,z\n").line == 2)
    #expect(read("a\n\"b\"c\nd\n").count == 2, "nothing behind a mistake can be trusted")
  }

  @Test("A record is bounded")
  func bounded() throws {
    let long = String(repeating: "x", count: CSVReader.maxRecordBytes + 1)
    #expect(try error("a\n\(long)\n").line == 2)
    #expect(try error("a\n\"\(long)").message.contains("closing quote"))
    #expect(try error(String(repeating: ",", count: CSVReader.maxFields)).message.contains("more than 64 fields"))
  }

  @Test("Bytes that are no UTF-8 are refused")
  func notText() throws {
    let last = try #require(Array(CSVReader([0x61, 0x0A, 0xFF, 0x0A])).last)
    #expect(last == .failure(CSVError(line: 2, message: "field 1 is not UTF-8 text")))
  }
}
