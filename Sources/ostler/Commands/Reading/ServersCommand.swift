import ArgumentParser
import Lifecycle
import Store
import Worker

/// `ostler servers`.
struct ServersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "servers",
    abstract: "List the servers and their states.",
    discussion: """
      Reads the store, also while the worker runs. All filters must match.

        ostler servers
        ostler servers --state available --location 18 --type 126
        ostler servers --client 12345
        ostler servers --state isolated --json | jq -r .subState | sort | uniq -c
      """
  )

  @Option(help: "Only in this state.")
  var state: StateName?

  @Option(help: ArgumentHelp("Only at this location.", valueName: "id"))
  var location: LocationID?

  @Option(help: ArgumentHelp("Only of this instance type.", valueName: "id"))
  var type: InstanceTypeID?

  @Option(help: ArgumentHelp("Only those that this client holds now.", valueName: "id"))
  var client: ClientID?

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let filter = ServerFilter(state: state, location: location, instanceType: type, client: client)
    try await StoreAccess.read(common) { store in
      if output.json {
        var lines = StandardOutput()
        try await store.forEachServer(matching: filter) { lines.line(utf8: ServerDocument.encode($0)) }
        lines.flush()
      } else {
        var table = TextTable([
          .init("SERVER", isNumber: true), .init("NAME"), .init("LOCATION", isNumber: true),
          .init("TYPE", isNumber: true), .init("STATE"), .init("VERSION", isNumber: true), .init("SINCE"),
          .init("DETAILS"),
        ])
        try await store.forEachServer(matching: filter) { server in
          table.row([
            server.id.description, server.name, server.locationID.description, server.instanceTypeID.description,
            server.state.name.rawValue, String(server.version), server.changedAt.description,
            ServerDocument.details(server.state),
          ])
        }
        table.finish()
        if table.rowCount == 0 { Complaint.write("no servers match\n") }
      }
    }
  }
}

/// A server as the command line tells of it: the state document of events and replies, and when it last changed.
enum ServerDocument {
  static func encode(_ server: Server) -> [UInt8] {
    var bytes = StateDocument.encode(server, nil, allocation: .none)
    var time = JSONWriter(capacity: 32)
    time.value(server.changedAt)
    bytes.removeLast()
    return bytes + Array(",\"time\":".utf8) + time.bytes + [UInt8(ascii: "}")]
  }

  /// What belongs to the state, in words.
  static func details(_ state: ServerState) -> String? {
    switch state {
    case .new, .available, .decommissioned: nil
    case .backToBaseline(let baselineID): "run \(baselineID)"
    case .allocated(let allocation): "client \(allocation.clientID)"
    case .isolated(let isolation):
      isolation.reason.map { "\(isolation.subState.rawValue): \($0)" } ?? isolation.subState.rawValue
    case .quarantined(let quarantine):
      "was \(quarantine.held.name.rawValue)"
        + (quarantine.held.liveAllocation.map { " (client \($0.clientID))" } ?? "") + ", held by "
        + quarantine.holds.map { $0.caseID ?? "no case" }.joined(separator: ", ")
    }
  }
}
