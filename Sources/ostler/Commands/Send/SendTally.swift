import Lifecycle
import Worker

/// Counts what became of many commands, and tells of each that failed.
struct SendTally {
  private(set) var counts: [String: Int] = [:]
  private(set) var codes: [String: Int] = [:]
  private(set) var duplicates = 0
  private(set) var movedOn = 0
  private(set) var failed = 0
  private(set) var done = 0
  private var told = 0
  /// More than these are counted, not told: nobody reads ten thousand lines.
  private static let maxTold = 1000

  /// The file, as messages call it.
  let source: String

  init(source: String) { self.source = source }

  mutating func add(_ record: CommandRecord, _ result: SendResult) {
    done += 1
    switch result {
    case .answered(let reply): add(record, reply)
    case .accepted: counts["sent", default: 0] += 1
    case .unroutable(let reason):
      fail("unroutable", record.line, "the broker has no queue for \(record.command.rawValue) (\(reason))")
    case .refusedByBroker:
      fail("not taken", record.line, "the broker could not take it; operation \(record.operation)")
    case .noAnswer:
      fail("no answer", record.line, "no answer in time; it may still be applied; operation \(record.operation)")
    }
  }

  private mutating func add(_ record: CommandRecord, _ reply: CommandReply) {
    if reply.isDuplicate { duplicates += 1 }
    if reply.content["server"]?["current"] != nil || reply.content["current"] != nil { movedOn += 1 }
    switch reply.outcome {
    case .applied?, .unchanged?: counts[reply.outcome?.rawValue ?? "", default: 0] += 1
    case .rejected?, nil:
      let code = PlainText.clean(reply.code ?? "unreadable answer")
      codes[code, default: 0] += 1
      fail("rejected", record.line, "\(code): \(PlainText.clean(reply.message ?? ""))")
    }
  }

  mutating func add(_ bad: BadLine) {
    done += 1
    fail("not sent", bad.line, bad.message)
  }

  private mutating func fail(_ kind: String, _ line: Int, _ message: String) {
    counts[kind, default: 0] += 1
    failed += 1
    told += 1
    if told <= Self.maxTold { Complaint.print("\(source):\(line): \(message)") }
    if told == Self.maxTold { Complaint.print("more failures are counted, and not listed") }
  }

  /// In one line: `1,203 commands: 1,200 applied, 3 rejected (2 quota-exceeded, 1 server-exists)`.
  func summary(_ noun: String) -> String {
    let order = ["applied", "unchanged", "sent", "rejected", "no answer", "unroutable", "not taken", "not sent"]
    var parts = order.compactMap { name in counts[name].map { "\(PlainText.grouped($0)) \(name)" } }
    if let index = parts.firstIndex(where: { $0.hasSuffix("rejected") }), !codes.isEmpty {
      let list = codes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
        "\(PlainText.grouped($0.value)) \($0.key)"
      }
      parts[index] += " (\(list.joined(separator: ", ")))"
    }
    if duplicates > 0 { parts.append("\(PlainText.grouped(duplicates)) of them decided before") }
    if movedOn > 0 { parts.append("\(PlainText.grouped(movedOn)) moved on since") }
    return "\(PlainText.grouped(done)) \(noun)" + (parts.isEmpty ? "" : ": \(parts.joined(separator: ", "))")
  }
}
