import Foundation
import Testing

/// A page of the documentation, as it is in the checkout.
struct Page {
  let name: String
  let text: String

  /// - Parameter name: from the root of the checkout, such as `docs/contract.md`.
  init(_ name: String) throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../..").standardized
    self.name = name
    text = try String(contentsOf: root.appending(path: name), encoding: .utf8)
  }

  static var contract: Page { get throws { try Page("docs/contract.md") } }

  /// The table below the comment `<!-- table: title -->`.
  func table(_ title: String) throws -> PageTable {
    let comment = try #require(text.range(of: "<!-- table: \(title) -->\n"), "\(name) has no table \(title)")
    let rows = text[comment.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
      .prefix { $0.hasPrefix("|") }.map { PageTable.cells(of: $0) }
    try #require(rows.count > 2, "the table \(title) of \(name) is empty")
    let width = rows[0].count
    for row in rows { #expect(row.count == width, "\(name), \(title): \(row)") }
    return PageTable(header: rows[0], rows: Array(rows.dropFirst(2)))
  }

  /// The fenced blocks of that language, in the order of the page.
  func blocks(_ language: String) -> [String] {
    text.components(separatedBy: "\n```\(language)\n").dropFirst().map { rest in
      (rest.components(separatedBy: "\n```").first ?? "") + "\n"
    }
  }
}

/// A table of a page: texts without the blanks around them.
struct PageTable {
  let header: [String]
  let rows: [[String]]

  static func cells(of line: some StringProtocol) -> [String] {
    line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// What stands in backticks in a cell, in order.
  static func code(in cell: String) -> [String] {
    cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .compactMap { $0.offset.isMultiple(of: 2) ? nil : String($0.element) }
  }

  /// The code in the cells of a column, a row each.
  func code(_ column: Int) -> [[String]] { rows.map { Self.code(in: $0[column]) } }
}
