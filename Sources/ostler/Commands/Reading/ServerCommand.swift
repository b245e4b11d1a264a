import ArgumentParser
import Lifecycle
import Store
import Worker

/// `ostler server`.
struct ServerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "server",
    abstract: "Tell everything about one server: state, holds, allocation, and its whole history.",
    discussion: """
      Reads the store, also while the worker runs.

        ostler server 4711
        ostler server 4711 --json | jq '.history[] | select(.actor == "dcim")'
      """
  )

  @Argument(help: ArgumentHelp("The server.", valueName: "id"))
  var server: ServerID

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await StoreAccess.read(common) { store in
      let id = server
      let found = try await store.read { (snapshot) throws(StoreError) in try snapshot.server(id) }
      guard let found else {
        throw CommandFailure(
          .refused,
          "server \(id) was never enrolled; 'ostler send enroll --help' says how, 'ostler servers' lists those there are"
        )
      }
      if output.json { try await printJSON(found, store) } else { try await printText(found, store) }
    }
  }

  private func printJSON(_ server: Server, _ store: Store) async throws {
    var bytes = ServerDocument.encode(server)
    bytes.removeLast()
    bytes += Array(",\"history\":[".utf8)
    var isFirst = true
    try await store.forEachHistoryEntry(of: server.id) { entry in
      if !isFirst { bytes.append(UInt8(ascii: ",")) }
      isFirst = false
      bytes += Self.json(entry)
    }
    bytes += Array("]}".utf8)
    var lines = StandardOutput()
    lines.line(utf8: bytes)
    lines.flush()
  }

  private static func json(_ entry: HistoryEntry) -> [UInt8] {
    var fields = [
      Detail.Field("version", .integer(entry.version)), Detail.Field("time", .text(entry.at.description)),
      Detail.Field("command", .text(entry.command.rawValue)),
    ]
    switch entry.happening {
    case .changed(let event):
      fields.append(Detail.Field("outcome", .text(Outcome.applied.rawValue)))
      fields.append(Detail.Field("event", .text(event.rawValue)))
    case .rejected(let code):
      fields.append(Detail.Field("outcome", .text(Outcome.rejected.rawValue)))
      fields.append(Detail.Field("code", .text(code.rawValue)))
    }
    fields.add("state", entry.stateAfter)
    fields.add("operationUuid", entry.operation)
    fields.add("actor", entry.actor)
    fields.add("replayedBy", entry.replayedBy)
    fields.add("reason", entry.reason)
    fields.add("since", entry.since?.description)
    var writer = JSONWriter()
    writer.value(fields)
    return writer.bytes
  }

  private func printText(_ server: Server, _ store: Store) async throws {
    var lines = StandardOutput()
    func add(_ label: String, _ value: String?) {
      if let value { lines.line("\(label.padding(to: 12))\(PlainText.clean(value))") }
    }
    add("server", server.id.description)
    add("name", server.name)
    add("state", server.state.name.rawValue + (server.previousState.map { " (before: \($0.rawValue))" } ?? ""))
    switch server.state {
    case .new, .available, .allocated, .decommissioned: break
    case .backToBaseline(let baselineID): add("baseline", baselineID.description)
    case .isolated(let isolation): add("cause", isolation.subState.rawValue)
    case .quarantined(let quarantine):
      add(
        "held by",
        quarantine.holds.map { $0.caseID.map { "case \($0)" } ?? "a hold without a case" }.joined(separator: ", "))
      add("frozen as", Self.text(quarantine.held))
    }
    add("reason", server.reason)
    add("location", server.locationID.description)
    add("type", server.instanceTypeID.description)
    add("version", String(server.version))
    add("changed", server.changedAt.description)
    add("allocation", server.state.liveAllocation.map(Self.text))
    lines.line("")
    lines.flush()
    var table = TextTable([
      .init("VERSION", isNumber: true), .init("TIME"), .init("COMMAND"), .init("OUTCOME"), .init("STATE"),
      .init("ACTOR"), .init("OPERATION"), .init("REASON"),
    ])
    try await store.forEachHistoryEntry(of: server.id) { entry in
      let outcome =
        switch entry.happening {
        case .changed(let event): "applied: \(event.rawValue)"
        case .rejected(let code): "rejected: \(code.rawValue)"
        }
      let actor = entry.replayedBy.map { "\(entry.actor ?? "-"), replayed by \($0)" } ?? entry.actor
      table.row([
        String(entry.version), entry.at.description, entry.command.rawValue, outcome, entry.stateAfter, actor,
        entry.operation, entry.reason,
      ])
    }
    table.finish()
  }

  private static func text(_ allocation: Allocation) -> String {
    let contract = allocation.contractID.map { ", contract \($0)" } ?? ""
    return "\(allocation.id) of client \(allocation.clientID)\(contract), \(allocation.quotaType.rawValue), "
      + "since \(allocation.startedAt)"
  }

  private static func text(_ held: HeldState) -> String {
    switch held {
    case .new, .backToBaseline, .available, .allocated: held.name.rawValue
    case .allocationEnded: "allocated; that allocation has ended since"
    case .isolated(let isolation): "isolated (\(isolation.subState.rawValue))"
    }
  }
}

extension HistoryEntry {
  /// The state that a change led to.
  var stateAfter: String? {
    guard let data, let document = try? JSONReader.document(data) else { return nil }
    return document["state"]?.text
  }
}
