import ArgumentParser
import Worker

/// `ostler import`.
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Bring a fleet or its quotas in from a file.",
    discussion: """
      The whole file is checked first, and nothing is sent while a line of it is wrong. It is safe to run it again.

        ostler import servers fleet.csv
        ostler import quotas quotas.csv
      """,
    subcommands: [ImportServers.self, ImportQuotas.self]
  )
}

/// What both imports take.
struct ImportOptions: ParsableArguments {
  @Argument(
    help: "CSV or JSON Lines; '-' is standard input.", completion: .file(extensions: ["csv", "jsonl", "ndjson"]))
  var file: String

  @Option(help: "How it is written (default: by the ending of its name).")
  var format: ImportFormat?

  @OptionGroup var delivery: DeliveryOptions

  func run(_ columns: ImportColumns, attempt: Int64?, noun: String) async throws {
    guard let format = format ?? ImportFormat(path: file) else {
      throw CommandFailure(
        .usage, "\(file): the name does not say how it is written; add --format csv or --format jsonl")
    }
    let settings = try delivery.common.settings()
    let bytes: [UInt8]
    do throws(FileError) { bytes = try FileBytes.read(file, maxBytes: ImportFile.maxBytes) } catch {
      throw CommandFailure(.usage, error.message)
    }
    let source = file == "-" ? "standard input" : file
    let rows = ImportFile(bytes, format: format, columns: columns, attempt: attempt, settings: settings)
    guard rows.badLines.isEmpty else {
      throw Self.refusal(rows, source: source)
    }
    let sender = try await CommandSender(settings, delivery)
    var pump = SendPump(sender, source: source, options: delivery, total: rows.records.count)
    do throws(CommandFailure) {
      var rest = rows.records[...]
      while !rest.isEmpty {
        let batch = Array(rest.prefix(pump.room))
        try await pump.publish(batch)
        rest = rest.dropFirst(batch.count)
        try await pump.settle(within: rest.isEmpty || pump.room > 0 ? .zero : .seconds(60))
      }
      try await pump.drain()
    } catch {
      throw pump.interrupted(error)
    }
    try await pump.finish(noun)
  }

  private static let maxTold = 100

  private static func refusal(_ rows: ImportFile, source: String) -> CommandFailure {
    for bad in rows.badLines.prefix(maxTold) { Complaint.print("\(source):\(bad.line): \(bad.message)") }
    let count = rows.badLines.count
    let more = count > maxTold ? " (the first \(maxTold) are listed)" : ""
    return CommandFailure(
      .refused, "\(source): \(PlainText.grouped(count)) bad \(count == 1 ? "line" : "lines")\(more); nothing was sent")
  }
}

/// `ostler import servers`.
struct ImportServers: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "servers",
    abstract: "Enroll the servers of a file.",
    discussion: """
      CSV has a header row; its columns are the fields of 'enroll', in any order, an empty cell is a field left out:
        serverId,locationId,instanceTypeId,name,state,clientId,contractId
        4711,18,126,r12-u07,available,,
        4712,18,126,r12-u08,allocated,12345,JD-NB2UU6VX732
      JSON Lines have an object with the same fields on each line.

        ostler import servers fleet.csv
        jq -c '.servers[]' inventory.json | ostler import servers - --format jsonl

      The same row is always the same operation: when the file is imported again, rows that were decided get their stored \
      outcome, and a server that was decommissioned meanwhile stays so. To have refused rows decided afresh, raise --attempt.
      """
  )

  @OptionGroup var options: ImportOptions

  @Option(help: ArgumentHelp("Decide the rows afresh: higher than the last time.", valueName: "n"))
  var attempt: Int64?

  func run() async throws { try await options.run(.servers, attempt: attempt, noun: "servers") }
}

/// `ostler import quotas`.
struct ImportQuotas: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quotas",
    abstract: "Set the quotas of a file.",
    discussion: """
      CSV has a header row; its columns are the fields of 'set-quota', in any order. No contract is on-demand, client 0 is \
      the default for all, location 0 and type 0 are caps, and the limit 'null' removes the row:
        clientId,contractId,locationId,instanceTypeId,limit
        12345,JD-NB2UU6VX732,18,126,5
        0,,18,126,2
        12345,,0,0,80
      JSON Lines have an object with the same fields on each line.

        ostler import quotas quotas.csv

      Limits that are as the file has them already are left unchanged.
      """
  )

  @OptionGroup var options: ImportOptions

  func run() async throws { try await options.run(.quotas, attempt: nil, noun: "quota rows") }
}
