import Foundation

/// The figures as a picture: bars of commands a second, and latency by percentile.
struct Plot {
  private let report: Report
  private static let width = 860.0
  private static let colors = ["#2f6f9f", "#d08434", "#5a9a5a", "#9a5a8a", "#777777"]

  init(_ report: Report) { self.report = report }

  var svg: String {
    var body = ""
    var top = 30.0
    for group in report.drains { body += bars(group, &top) }
    if let growth = report.growth {
      let rows = [("empty store", growth.small), ("large store", growth.large)].map { name, results in
        (name, results.map(\.commandsPerSecond).median)
      }
      body += bars("Ostler, growth", rows, &top)
    }
    for rate in Set(report.latencies.map(\.rate)).sorted() { body += curves(rate, &top) }
    for line in report.conditions.lines {
      body += text(20, top, line, size: 10, color: "#666666")
      top += 14
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(top))" font-family="sans-serif">
      <rect width="100%" height="100%" fill="white"/>
      \(body)</svg>

      """
  }

  private func bars(_ group: Report.DrainGroup, _ top: inout Double) -> String {
    bars(group.title + ", commands/s", group.contestants.map { ($0, group.rates(of: $0).median) }, &top)
  }

  private func bars(_ title: String, _ rows: [(String, Double)], _ top: inout Double) -> String {
    var body = text(20, top, title, size: 14, weight: "bold")
    top += 10
    let most = rows.map(\.1).max() ?? 1
    for (index, (name, rate)) in rows.enumerated() {
      let length = rate / most * 480
      body += text(230, top + 15, name, anchor: "end")
      body += #"<rect x="240" y="\#(top + 3)" width="\#(length)" height="16" fill="\#(Self.colors[index % 5])"/>\#n"#
      body += text(246 + length, top + 15, "\(rate.text()) (\((rate / most).text(2)))")
      top += 22
    }
    top += 30
    return body
  }

  /// Percentiles to the right, in nines; milliseconds upwards, by powers of ten.
  private func curves(_ rate: Int, _ top: inout Double) -> String {
    let results = report.latencies.filter { $0.rate == rate }
    var body = text(20, top, "Latency at \(rate)/s, milliseconds by percentile", size: 14, weight: "bold")
    let height = 180.0
    let places = [0.0, 50, 90, 99, 99.9, 99.99]
    let points = results.flatMap(\.curve).filter { $0.percentile <= 99.99 }.map { max($0.microseconds, 10) }
    let low = logarithm(points.min() ?? 10).rounded(.down)
    let high = max(low + 1, logarithm(points.max() ?? 10).rounded(.up))
    let horizontal = { (percentile: Double) in
      // 0 → 0, 90 → 1, 99 → 2, …
      60 + (percentile <= 0 ? 0 : -logarithm(1 - min(percentile, 99.99) / 100)) / 4 * 620
    }
    let base = top + 20 + height
    let vertical = { (microseconds: Double) in base - (logarithm(max(microseconds, 10)) - low) / (high - low) * height }
    for power in stride(from: low, through: high, by: 1) {
      let microseconds = power10(power)
      body += line(60, vertical(microseconds), 690, vertical(microseconds), "#dddddd")
      body += text(
        54, vertical(microseconds) + 4, (microseconds / 1000).text(microseconds < 1000 ? 2 : 0), anchor: "end")
    }
    for place in places { body += text(horizontal(place), base + 16, "p\(place)", anchor: "middle", size: 10) }
    for (index, result) in results.enumerated() {
      let color = Self.colors[index % 5]
      let path = result.curve.filter { $0.percentile <= 99.99 }
        .map { "\(horizontal($0.percentile)),\(vertical($0.microseconds))" }.joined(separator: " ")
      body += #"<polyline points="\#(path)" fill="none" stroke="\#(color)" stroke-width="2"/>\#n"#
      body += text(700, top + 40 + Double(index) * 18, result.contestant, color: color)
    }
    top = base + 50
    return body
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ color: String) -> String {
    #"<line x1="\#(x1)" y1="\#(y1)" x2="\#(x2)" y2="\#(y2)" stroke="\#(color)"/>\#n"#
  }

  private func text(
    _ x: Double, _ y: Double, _ text: String, anchor: String = "start", size: Int = 12, weight: String = "normal",
    color: String = "#222222"
  ) -> String {
    let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
    return
      #"<text x="\#(x)" y="\#(y)" font-size="\#(size)" font-weight="\#(weight)" text-anchor="\#(anchor)" fill="\#(color)">"#
      + escaped + "</text>\n"
  }
}

private func logarithm(_ value: Double) -> Double { log10(value) }
private func power10(_ value: Double) -> Double { pow(10, value) }
