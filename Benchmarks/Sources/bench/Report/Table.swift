/// Columns of text, numbers to the right.
struct Table {
  private var rows: [[String]]

  init(_ heads: String...) { rows = [heads] }

  mutating func row(_ cells: String...) { rows.append(cells) }

  func print() {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
    for (number, row) in rows.enumerated() {
      let line = zip(row, widths).enumerated().map { column, cell in
        let padding = String(repeating: " ", count: cell.1 - cell.0.count)
        return column == 0 ? cell.0 + padding : padding + cell.0
      }
      Swift.print("  " + line.joined(separator: "  "))
      if number == 0 { Swift.print("  " + widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")) }
    }
    Swift.print()
  }
}

extension Double {
  /// With that many decimals, thousands apart.
  func text(_ decimals: Int = 0) -> String {
    var factor = 1.0
    for _ in 0..<decimals { factor *= 10 }
    let scaled = (self * factor).rounded()
    guard scaled.isFinite, abs(scaled) < 1e15 else { return "-" }
    let whole = Int(abs(scaled)) / Int(factor)
    let part = Int(abs(scaled)) % Int(factor)
    var digits = ""
    for (index, digit) in String(whole).reversed().enumerated() {
      if index > 0 && index % 3 == 0 { digits = "," + digits }
      digits = "\(digit)" + digits
    }
    let fraction = decimals == 0 ? "" : "." + String(repeating: "0", count: decimals - String(part).count) + "\(part)"
    return (self < 0 ? "-" : "") + digits + fraction
  }
}

extension Sequence<Double> {
  var median: Double {
    let sorted = self.sorted()
    guard !sorted.isEmpty else { return .nan }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }
}
