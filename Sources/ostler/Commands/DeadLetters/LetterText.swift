import AMQP
import Lifecycle
import Store
import Worker

/// One letter, written out for a person.
struct LetterText {
  let facts: LetterReport
  let topology: Topology

  private var letter: DeadLetter { facts.letter }

  func print() {
    var lines = StandardOutput()
    head(&lines)
    messageParts(&lines)
    body(&lines)
    lines.flush()
    server()
    past()
    forecast()
  }

  private func head(_ lines: inout StandardOutput) {
    Self.add("letter", letter.id.description, &lines)
    Self.add("state", "\(letter.state.rawValue) since \(letter.stateSince)", &lines)
    Self.add("code", letter.code.rawValue, &lines)
    Self.add("message", letter.message, &lines)
    if let details = try? JSONReader.document(Array(letter.details.utf8), maxDepth: 64),
      case .fields(let fields) = details
    {
      for field in fields { Self.add("  \(PlainText.clean(field.name))", field.value.plain, &lines) }
    }
    Self.add("what to do", LetterAdvice.text(letter.code), &lines)
    Self.add("command", letter.command, &lines)
    Self.add("server", letter.serverID?.description, &lines)
    Self.add("client", letter.clientID?.description, &lines)
    Self.add("operation", letter.operation.map { $0 + (letter.attempt.map { ", attempt \($0)" } ?? "") }, &lines)
    Self.add("actor", letter.actor, &lines)
    let again = letter.count > 1 ? ", \(letter.count) times, last \(letter.lastSeenAt)" : ""
    Self.add("received", "\(letter.receivedAt)\(again)", &lines)
    Self.add("queue", letter.queue, &lines)
    Self.add("exchange", "\(letter.exchange), routing key \(letter.routingKey)", &lines)
    Self.add("edited from", letter.editedFrom?.description, &lines)
  }

  private func messageParts(_ lines: inout StandardOutput) {
    let properties = try? JSONReader.document(Array(letter.properties.utf8))
    if case .fields(let fields)? = properties, !fields.isEmpty {
      lines.line("\nproperties")
      for field in fields { Self.add("  \(field.name)", field.value.plain, width: 20, &lines) }
    }
    guard let table = try? letter.typedProperties().headers, !table.entries.isEmpty else { return }
    lines.line("\nheaders")
    FieldTableLines.write(table, indent: 2, to: &lines)
    let deaths = DeathText.lines(table, commandsPrefix: topology.commandsExchange + ".")
    guard !deaths.isEmpty else { return }
    lines.line("\nwhat the broker did (x-death, the last first)")
    for death in deaths { lines.line("  \(death)") }
  }

  private func body(_ lines: inout StandardOutput) {
    let cut = letter.isReplayable ? "" : ", of which the first \(PlainText.grouped(letter.body.count)) were kept"
    lines.line("\nbody, \(PlainText.grouped(letter.bodySize)) bytes\(cut)")
    for line in BodyText.lines(letter.body) { lines.line("  \(line)") }
  }

  private func server() {
    guard let id = letter.serverID else { return }
    var lines = StandardOutput()
    lines.line("")
    let then = facts.before.flatMap(\.stateAfter) ?? "not enrolled"
    lines.line("server \(id) then: \(then)" + (facts.before.map { ", version \($0.version)" } ?? ""))
    if let server = facts.server {
      let details = ServerDocument.details(server.state).map { " (\(PlainText.clean($0)))" } ?? ""
      lines.line(
        "server \(id) now:  \(server.state.name.rawValue)\(details), version \(server.version), since \(server.changedAt)"
      )
    } else {
      lines.line("server \(id) now:  not enrolled")
    }
    lines.flush()
    guard !facts.history.isEmpty else { return }
    var table = TextTable([
      .init("VERSION", isNumber: true), .init("TIME"), .init("COMMAND"), .init("OUTCOME"), .init("STATE"),
      .init("ACTOR"),
    ])
    var isBefore = true
    for entry in facts.history {
      if isBefore, entry.at > letter.receivedAt {
        table.row([nil, letter.receivedAt.description, letter.command, "this letter came", nil, letter.actor])
        isBefore = false
      }
      let outcome =
        switch entry.happening {
        case .changed(let event): "applied: \(event.rawValue)"
        case .rejected(let code): "rejected: \(code.rawValue)"
        }
      table.row([
        String(entry.version), entry.at.description, entry.command.rawValue, outcome, entry.stateAfter, entry.actor,
      ])
    }
    if isBefore {
      table.row([nil, letter.receivedAt.description, letter.command, "this letter came", nil, letter.actor])
    }
    table.finish()
  }

  private func past() {
    guard !facts.audit.isEmpty || !facts.replays.isEmpty else { return }
    var lines = StandardOutput()
    let failed = facts.replays.count { $0.state == .failed }
    lines.line("\nreplayed \(Self.times(letter.attempts)), failed \(Self.times(failed))")
    // The audit trail tells of the replays that were asked for here; others came with an import.
    let told = Set(facts.audit.filter { $0.action == .replay && $0.letterID == letter.id }.compactMap(\.attempt))
    for replay in facts.replays where !told.contains(replay.attempt) {
      lines.line(
        "  attempt \(replay.attempt), before the import: \(replay.state.rawValue), asked for by "
          + "\(PlainText.clean(replay.askedBy)) at \(replay.askedAt)")
    }
    lines.flush()
    guard !facts.audit.isEmpty else { return }
    var table = AuditTable()
    for entry in facts.audit { table.row(entry) }
    _ = table.finish()
  }

  private func forecast() {
    var lines = StandardOutput()
    if let verdict = facts.verdict {
      lines.line("\nA replay now would \(PlainText.clean(verdict.text)).")
    } else if let refusal = facts.refusal {
      lines.line("\nIt cannot be replayed now: \(refusal.text).")
    }
    lines.flush()
  }

  private static func times(_ count: Int) -> String { count == 1 ? "once" : "\(PlainText.grouped(count)) times" }

  private static func add(_ label: String, _ value: String?, width: Int = 14, _ lines: inout StandardOutput) {
    if let value { lines.line("\(label.padding(to: width))\(PlainText.clean(value))") }
  }
}

/// Header tables, a line for each value, with its AMQP type.
enum FieldTableLines {
  static func write(_ table: FieldTable, indent: Int, to lines: inout StandardOutput) {
    for entry in table.entries { write(entry.key, entry.value, indent: indent, to: &lines) }
  }

  private static func write(_ name: String, _ value: FieldValue, indent: Int, to lines: inout StandardOutput) {
    let start = String(repeating: " ", count: indent) + PlainText.clean(name)
    switch value {
    case .table(let table):
      lines.line("\(start) (table)")
      write(table, indent: indent + 2, to: &lines)
    case .array(let values):
      lines.line("\(start) (array)")
      for (index, value) in values.enumerated() { write("[\(index)]", value, indent: indent + 2, to: &lines) }
    case .boolean(let flag): lines.line("\(start) (boolean) \(flag)")
    case .int8(let number): lines.line("\(start) (int8) \(number)")
    case .uint8(let number): lines.line("\(start) (uint8) \(number)")
    case .int16(let number): lines.line("\(start) (int16) \(number)")
    case .uint16(let number): lines.line("\(start) (uint16) \(number)")
    case .int32(let number): lines.line("\(start) (int32) \(number)")
    case .uint32(let number): lines.line("\(start) (uint32) \(number)")
    case .int64(let number): lines.line("\(start) (int64) \(number)")
    case .uint64(let number): lines.line("\(start) (uint64) \(number)")
    case .float(let number): lines.line("\(start) (float) \(number)")
    case .double(let number): lines.line("\(start) (double) \(number)")
    case .decimal(let scale, let number): lines.line("\(start) (decimal) \(DecimalText.write(number, scale: scale))")
    case .timestamp(let seconds): lines.line("\(start) (timestamp) \(seconds)\(Self.moment(seconds))")
    case .byteArray(let bytes): lines.line("\(start) (byteArray, base64) \(Base64.encode(bytes))")
    case .void: lines.line("\(start) (void)")
    case .string(let bytes):
      if let text = String(validating: bytes, as: UTF8.self) {
        lines.line("\(start) (string) \(PlainText.clean(text))")
      } else {
        lines.line("\(start) (string that is not UTF-8, base64) \(Base64.encode(bytes))")
      }
    }
  }

  private static func moment(_ seconds: UInt64) -> String {
    // Beyond the year 9999 it is no date that anybody reads.
    seconds < 253_402_300_800 ? " = \(Timestamp(milliseconds: Int64(seconds) * 1000))" : ""
  }
}

/// `value` / 10^`scale`, as AMQP decimals are meant.
enum DecimalText {
  static func write(_ value: UInt32, scale: UInt8) -> String {
    guard scale > 0 else { return String(value) }
    let digits = String(value)
    let padded = String(repeating: "0", count: max(Int(scale) + 1 - digits.count, 0)) + digits
    return "\(padded.dropLast(Int(scale))).\(padded.suffix(Int(scale)))"
  }
}
