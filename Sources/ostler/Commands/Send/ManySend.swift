import Lifecycle
import Worker

/// Sends the commands of a JSON Lines file, many at a time, in the order of the file.
struct ManySend {
  let path: String
  let options: DeliveryOptions

  /// - Throws: `CommandFailure`: 1 when a line was bad or its command was not applied, 69 without the broker.
  func run() async throws {
    let settings = try options.common.settings()
    var reader: LineReader
    do throws(FileError) {
      reader = try LineReader(path, maxLineBytes: settings.commands.maxBytes + 1024)
    } catch {
      throw CommandFailure(.usage, error.message)
    }
    // A second look at the file only where somebody watches.
    let total = Complaint.isTerminal ? try? LineReader.count(path) : nil
    var pump = SendPump(try await CommandSender(settings, options), source: reader.name, options: options, total: total)
    do {
      try await send(&reader, &pump, settings)
    } catch let failure as CommandFailure {
      throw pump.interrupted(failure)
    }
    try await pump.finish("commands")
  }

  private func send(_ reader: inout LineReader, _ pump: inout SendPump, _ settings: Settings) async throws {
    var isAtEnd = false
    while !isAtEnd {
      let records = try records(from: &reader, for: &pump, settings, isAtEnd: &isAtEnd)
      try await pump.publish(records)
      if !isAtEnd { try await pump.settle(within: records.isEmpty ? .milliseconds(50) : .zero) }
    }
    try await pump.drain()
  }

  /// The next commands, as many as there is room for.
  // A function of its own because Swift 6.3.1 crashes when it optimises typed `do throws` inside an `async` one.
  private func records(
    from reader: inout LineReader, for pump: inout SendPump, _ settings: Settings, isAtEnd: inout Bool
  ) throws(CommandFailure) -> [CommandRecord] {
    var records: [CommandRecord] = []
    // A slow writer on the other side of a pipe must not keep what is there from being sent.
    while records.count < pump.room, reader.isReady || (records.isEmpty && pump.underWay == 0) {
      let line: InputLine?
      do throws(FileError) { line = try reader.next() } catch { throw CommandFailure(.refused, error.message) }
      guard let line else {
        isAtEnd = true
        break
      }
      do throws(BadLine) {
        if let record = try record(line, settings) { records.append(record) }
      } catch {
        pump.add(error)
      }
    }
    return records
  }

  private func record(_ line: InputLine, _ settings: Settings) throws(BadLine) -> CommandRecord? {
    guard !line.isCut else { throw BadLine(line: line.number, message: "longer than commands.maxBytes allows") }
    guard let bytes = JSONLine.content(line.bytes[...], number: line.number) else { return nil }
    var fields = try JSONLine.fields(bytes, number: line.number)
    guard let index = fields.firstIndex(where: { $0.name == "command" }) else {
      throw BadLine(line: line.number, message: "no field 'command'; it names which command the line is")
    }
    guard let command = fields[index].value.text.flatMap(CommandName.init(rawValue:)) else {
      let names = CommandName.allCases.map(\.rawValue)
      let suggestion = fields[index].value.text.flatMap { Spelling.nearest(to: $0, in: names) }
      throw BadLine(
        line: line.number,
        message: "'\(PlainText.cut(fields[index].value.plain, to: 40))' is no command"
          + (suggestion.map { "; did you mean '\($0)'?" } ?? "; there are \(names.joined(separator: ", "))"))
    }
    fields.remove(at: index)
    if !fields.contains(where: { $0.name == "operationUuid" && $0.value != .null }) {
      fields.removeAll { $0.name == "operationUuid" }
      fields.append(Detail.Field("operationUuid", .text(UUID128.random().description)))
    }
    return try CommandRecord(line: line.number, command: command, fields: fields, settings: settings)
  }
}

/// Keeps commands flowing: publishes, settles, counts, shows how far it is.
struct SendPump {
  private var sender: CommandSender
  private(set) var tally: SendTally
  private var progress: ProgressLine
  private let printsReplies: Bool
  private static let patience = Duration.seconds(60)

  init(_ sender: CommandSender, source: String, options: DeliveryOptions, total: Int?) {
    self.sender = sender
    tally = SendTally(source: source)
    progress = ProgressLine("sending", total: total)
    printsReplies = options.output.json
  }

  var room: Int { sender.room }
  var underWay: Int { sender.underWay }

  mutating func add(_ bad: BadLine) { tally.add(bad) }

  mutating func publish(_ records: [CommandRecord]) async throws(CommandFailure) { try await sender.publish(records) }

  mutating func settle(within limit: Duration) async throws(CommandFailure) {
    let finished = try await sender.settle(within: limit)
    var output = StandardOutput()
    for (record, result) in finished {
      tally.add(record, result)
      if printsReplies, case .answered(let reply) = result { output.line(utf8: reply.bytes) }
    }
    output.flush()
    progress.update(tally.done)
  }

  /// Waits for everything that is under way.
  mutating func drain() async throws(CommandFailure) {
    while sender.underWay > 0 { try await settle(within: Self.patience) }
  }

  /// Prints the summary.
  ///
  /// - Throws: `CommandFailure` with status 1 when anything failed.
  mutating func finish(_ noun: String) async throws(CommandFailure) {
    progress.finish(tally.done)
    await sender.close()
    if printsReplies {
      Complaint.write(tally.summary(noun) + "\n")
    } else {
      var output = StandardOutput()
      output.line(tally.summary(noun))
      output.flush()
    }
    if tally.failed > 0 { throw CommandFailure(.refused, "") }
  }

  /// The failure, with how far it came.
  func interrupted(_ failure: CommandFailure) -> CommandFailure {
    let rest = sender.underWay == 0 ? "" : "; of \(sender.underWay) more nobody knows"
    return CommandFailure(
      failure.status, "\(failure.message)\n  \(tally.summary("commands so far"))\(rest)")
  }
}
