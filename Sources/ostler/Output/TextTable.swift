import Foundation

/// A table with aligned columns. On a terminal it is cut to fit; elsewhere nothing is lost.
///
/// Rows are printed as they come: the widths are those of the first ``measuredRows`` rows, so that a fleet of any size
/// needs no more memory than that.
struct TextTable: ~Copyable {
  struct Column {
    let title: String
    let isNumber: Bool
    /// Never cut: a part of it would mean nothing.
    let isWhole: Bool

    init(_ title: String, isNumber: Bool = false, isWhole: Bool = false) {
      self.title = title
      self.isNumber = isNumber
      self.isWhole = isWhole || isNumber
    }
  }

  static let measuredRows = 500
  private static let gap = 2
  private static let narrowest = 6

  private let columns: [Column]
  /// Characters in a line; `nil`: as many as it takes.
  private let maxWidth: Int?
  private var pending: [[String]] = []
  private var widths: [Int]?
  private var output = StandardOutput()
  private(set) var rowCount = 0

  init(_ columns: [Column], maxWidth: Int? = Terminal.width) {
    self.columns = columns
    self.maxWidth = maxWidth
  }

  /// Adds a row of as many cells as there are columns. `nil` is shown as `-`.
  mutating func row(_ cells: [String?]) {
    precondition(cells.count == columns.count, "a row has a cell for every column")
    let clean = cells.map { PlainText.clean($0 ?? "-") }
    rowCount += 1
    guard widths == nil else { return print(clean) }
    pending.append(clean)
    if pending.count == Self.measuredRows { printPending() }
  }

  /// Prints what has not been printed yet; without any row, nothing at all.
  mutating func finish() {
    if widths == nil, !pending.isEmpty { printPending() }
    output.flush()
  }

  private mutating func printPending() {
    let measured = columns.indices.map { column in
      max(columns[column].title.count, pending.map { $0[column].count }.max() ?? 0)
    }
    widths = maxWidth.map { Self.fit(measured, columns: columns, into: $0) } ?? measured
    print(columns.map(\.title))
    for row in pending { print(row) }
    pending = []
  }

  private mutating func print(_ cells: [String]) {
    guard let widths else { preconditionFailure("widths are known before a row is printed") }
    var line = ""
    for (index, cell) in cells.enumerated() {
      let text = maxWidth == nil ? cell : PlainText.cut(cell, to: widths[index])
      let padding = String(repeating: " ", count: max(widths[index] - text.count, 0))
      if index > 0 { line += String(repeating: " ", count: Self.gap) }
      line += columns[index].isNumber ? padding + text : text + (index == cells.count - 1 ? "" : padding)
    }
    output.line(line)
  }

  /// Takes from the widest column of text, one by one, until the line fits or all are as narrow as they may be.
  private static func fit(_ widths: [Int], columns: [Column], into maxWidth: Int) -> [Int] {
    var widths = widths
    var excess = widths.reduce(0, +) + gap * (widths.count - 1) - maxWidth
    while excess > 0,
      let widest = widths.indices.filter({ !columns[$0].isWhole && widths[$0] > narrowest }).max(by: {
        widths[$0] < widths[$1]
      })
    {
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }
}

/// What is known of the terminal.
enum Terminal {
  /// Characters in a line of the standard output; `nil` where it is not a terminal.
  static var width: Int? {
    guard StandardOutput.isTerminal else { return nil }
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}
