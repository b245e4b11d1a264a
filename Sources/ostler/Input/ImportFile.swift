import ArgumentParser
import Lifecycle
import Worker

/// How an import is written.
enum ImportFormat: String, CaseIterable, ExpressibleByArgument {
  /// RFC 4180, with a header row that names the columns.
  case csv
  /// One JSON object a line.
  case jsonl

  /// By the ending of the name; `nil` where that says nothing.
  init?(path: String) {
    switch path.split(separator: ".").last?.lowercased() {
    case "csv": self = .csv
    case "jsonl", "ndjson": self = .jsonl
    default: return nil
    }
  }
}

/// A file of rows that become commands of one kind, read and checked as a whole before anything is sent.
struct ImportFile {
  private(set) var records: [CommandRecord] = []
  private(set) var badLines: [BadLine] = []

  static let maxBytes = 256 * 1024 * 1024

  private let columns: ImportColumns
  private let settings: Settings
  /// Sent with every row; above 1 it is decided afresh.
  private let attempt: Int64?

  init(_ bytes: [UInt8], format: ImportFormat, columns: ImportColumns, attempt: Int64?, settings: Settings) {
    self.columns = columns
    self.settings = settings
    self.attempt = attempt
    switch format {
    case .csv: readCSV(bytes)
    case .jsonl: readJSONLines(bytes)
    }
  }

  private mutating func readCSV(_ bytes: [UInt8]) {
    var reader = CSVReader(bytes)
    guard let first = reader.next() else {
      badLines.append(BadLine(line: 1, message: "empty; the first row names the columns: \(names)"))
      return
    }
    let header: CSVRecord
    switch first {
    case .success(let record): header = record
    case .failure(let error):
      badLines.append(BadLine(line: error.line, message: error.message))
      return
    }
    guard checkHeader(header) else { return }
    while let next = reader.next() {
      switch next {
      case .failure(let error): badLines.append(BadLine(line: error.line, message: error.message))
      case .success(let record):
        do throws(BadLine) { add(record.line, try fields(record, header: header.fields)) } catch {
          badLines.append(error)
        }
      }
    }
  }

  private var names: String { columns.names.joined(separator: ", ") }

  private mutating func checkHeader(_ header: CSVRecord) -> Bool {
    var seen: Set<String> = []
    for name in header.fields {
      if !columns.names.contains(name) {
        let suggestion = Spelling.nearest(to: name, in: columns.names).map { "; did you mean '\($0)'?" } ?? ""
        let shown = PlainText.clean(PlainText.cut(name, to: 40))
        badLines.append(
          BadLine(line: header.line, message: "unknown column '\(shown)'\(suggestion) The columns are: \(names)"))
        return false
      }
      guard seen.insert(name).inserted else {
        badLines.append(BadLine(line: header.line, message: "column '\(name)' is there twice"))
        return false
      }
    }
    return true
  }

  private func fields(_ record: CSVRecord, header: [String]) throws(BadLine) -> [Detail.Field] {
    guard record.fields.count == header.count else {
      throw BadLine(
        line: record.line, message: "\(record.fields.count) fields, but the header has \(header.count) columns")
    }
    var fields: [Detail.Field] = []
    for (name, cell) in zip(header, record.fields) {
      if let field = try columns.field(name, cell: cell, line: record.line) { fields.append(field) }
    }
    return fields
  }

  private mutating func readJSONLines(_ bytes: [UInt8]) {
    var number = 0
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      guard let text = JSONLine.content(line, number: number) else { continue }
      do throws(BadLine) { add(number, try JSONLine.fields(text, number: number)) } catch { badLines.append(error) }
    }
  }

  private mutating func add(_ line: Int, _ fields: [Detail.Field]) {
    do throws(BadLine) {
      var fields = fields
      if !fields.contains(where: { $0.name == "operationUuid" }) {
        fields.append(Detail.Field("operationUuid", .text(try operation(line, fields).description)))
      }
      if !fields.contains(where: { $0.name == "attempt" }) { fields.add("attempt", attempt) }
      records.append(try CommandRecord(line: line, command: columns.command, fields: fields, settings: settings))
    } catch {
      badLines.append(error)
    }
  }

  /// What names the operation of a row.
  ///
  /// Servers: the same row is always the same operation, so an import that is run again, or was cut off and is run
  /// again, never brings back a server that was decommissioned meanwhile. Quotas: a new one each time, because the
  /// limit of today's file is meant even where last month's file had the same; setting it twice changes nothing.
  private func operation(_ line: Int, _ fields: [Detail.Field]) throws(BadLine) -> UUID128 {
    var writer = JSONWriter()
    writer.value(fields)
    let message = try CommandRecord.check(line: line, command: columns.command, body: writer.bytes, settings: settings)
    return columns.command == .setQuota ? .random() : UUID128(contentOf: message.fingerprint)
  }
}

extension UUID128 {
  /// A version 8 UUID (RFC 9562 section 5.8) made of a hash: the same for what means the same.
  init(contentOf fingerprint: Fingerprint) {
    self.init(
      high: fingerprint.high & ~0xF000 | 0x8000, low: fingerprint.low & ~(0b11 << 62) | (0b10 << 62))
  }
}
