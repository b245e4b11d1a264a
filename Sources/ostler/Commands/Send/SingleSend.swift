import Lifecycle
import Worker

/// Sends one command and prints its answer.
struct SingleSend {
  let command: CommandName
  /// The body.
  let fields: [Detail.Field]
  let options: DeliveryOptions

  /// - Throws: `CommandFailure`: 64 for a body that can only be refused, 1 when it is rejected, 69 without broker or answer.
  func run() async throws {
    let settings = try options.common.settings()
    let record: CommandRecord
    do throws(BadLine) {
      record = try CommandRecord(line: 1, command: command, fields: fields, settings: settings)
    } catch {
      throw CommandFailure(.usage, error.message)
    }
    var sender = try await CommandSender(settings, options)
    if !options.output.json {
      // Before anything can go wrong: whoever gets no answer needs it.
      Complaint.write("operation \(record.operation)\n")
    }
    try await sender.publish([record])
    var result: SendResult?
    while result == nil { result = try await sender.settle(within: .seconds(60)).first?.1 }
    await sender.close()
    guard let result else { return }
    try report(result, of: record)
  }

  private func report(_ result: SendResult, of record: CommandRecord) throws(CommandFailure) {
    var output = StandardOutput()
    switch result {
    case .answered(let reply):
      if options.output.json { output.line(utf8: reply.bytes) } else { for line in reply.lines { output.line(line) } }
      output.flush()
      if reply.outcome != .applied, reply.outcome != .unchanged { throw CommandFailure(.refused, "") }
    case .accepted:
      if options.output.json {
        var json = JSONWriter()
        json.value([
          Detail.Field("command", .text(command.rawValue)), Detail.Field("operationUuid", .text(record.operation)),
        ])
        output.line(utf8: json.bytes)
      } else {
        output.line("sent: the broker has it")
      }
    case .unroutable(let reason):
      throw CommandFailure(
        .unavailable,
        "the broker has no queue for \(command.rawValue) (\(reason)); is the worker running? 'ostler run' or "
          + "'ostler topology' creates what is missing")
    case .refusedByBroker:
      throw CommandFailure(
        .unavailable,
        "the broker could not take the command; send it again with --operation \(record.operation)")
    case .noAnswer(false, let alarm?):
      throw CommandFailure(
        .unavailable,
        "the broker takes no messages now (\(CommandSender.text(ofAlarm: alarm))), and did not say within "
          + "\(DurationText.write(options.timeout.duration)) that it has the command; it may still take it when the alarm is "
          + "over: send it again with --operation \(record.operation), which is applied once")
    case .noAnswer(let isConfirmed, _):
      let what = isConfirmed ? "the broker has the command, but no worker answered" : "no answer"
      throw CommandFailure(
        .unavailable,
        "\(what) within \(DurationText.write(options.timeout.duration)); it may still be applied: send it again with "
          + "--operation \(record.operation), which is applied once")
    }
  }
}
