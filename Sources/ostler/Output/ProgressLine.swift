/// How far something has come, drawn over and over on one line of the terminal. Silent where there is none.
package struct ProgressLine {
  private let label: String
  private let total: Int?
  private let isVisible: Bool
  private let start = ContinuousClock.now
  private var lastDrawn: ContinuousClock.Instant?
  private static let interval = Duration.milliseconds(100)
  private static let barWidth = 24

  /// `total`: `nil` where it is not known beforehand.
  init(_ label: String, total: Int?, isVisible: Bool = Complaint.isTerminal) {
    self.label = label
    self.total = total
    self.isVisible = isVisible
  }

  mutating func update(_ done: Int) {
    guard isVisible else { return }
    let now = ContinuousClock.now
    if let lastDrawn, now - lastDrawn < Self.interval { return }
    lastDrawn = now
    draw(done, at: now)
  }

  /// Draws the last state; it stays on its line.
  mutating func finish(_ done: Int) {
    guard isVisible else { return }
    draw(done, at: .now)
    Complaint.write("\n")
  }

  private func draw(_ done: Int, at now: ContinuousClock.Instant) {
    Complaint.write("\r" + Self.line(label, done: done, total: total, elapsed: now - start) + "\u{1B}[K")
  }

  /// The line itself: label, bar, count, rate.
  package static func line(_ label: String, done: Int, total: Int?, elapsed: Duration) -> String {
    let seconds = elapsed / Duration.seconds(1)
    let rate = seconds > 0 ? Int(Double(done) / seconds) : 0
    guard let total else { return "\(label) \(PlainText.grouped(done)), \(PlainText.grouped(rate))/s" }
    let filled = total > 0 ? min(done * barWidth / total, barWidth) : barWidth
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: barWidth - filled)
    return "\(label) [\(bar)] \(PlainText.grouped(done)) of \(PlainText.grouped(total)), \(PlainText.grouped(rate))/s"
  }
}
