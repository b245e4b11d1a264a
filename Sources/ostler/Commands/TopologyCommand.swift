import AMQP
import ArgumentParser
import Lifecycle
import Worker

/// `ostler topology`.
struct TopologyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topology",
    abstract: "Create the exchanges and queues on the broker, or check them.",
    discussion: """
      The worker does this by itself when it starts; here is how to do it beforehand, perhaps as a user with more rights, \
      or to see what is there. What exists is never changed: an argument that differs is an error that says which.

        ostler topology
        ostler topology --verify
        OSTLER_AMQP_URI=amqp://admin:…@broker/ ostler topology
      """
  )

  @Flag(help: "Create nothing; status 1 and a list when something does not exist.")
  var verify = false

  @Option(help: ArgumentHelp("How long to wait for the broker.", valueName: "duration"))
  var timeout = DurationArgument(.seconds(10))

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let settings = try common.settings()
    let topology = Topology(settings)
    let connection = try await BrokerAccess.connect(settings, name: "topology", within: timeout.duration)
    let missing: Set<TopologyObject>
    var warnings: [TopologyError] = []
    do throws(TopologyError) {
      missing = Set(try await topology.missing(on: connection))
      if !verify { try await topology.declare(on: connection) { warnings.append($0) } }
    } catch {
      await connection.close()
      throw CommandFailure(error.code == .unavailable ? .unavailable : .refused, PlainText.clean(error.message))
    }
    await connection.close()
    print(topology, missing: missing)
    for warning in warnings { Complaint.print("warning: \(PlainText.clean(warning.message))") }
    if verify, !missing.isEmpty {
      throw CommandFailure(.refused, "\(missing.count) of these do not exist; 'ostler topology' creates them")
    }
  }

  private func print(_ topology: Topology, missing: Set<TopologyObject>) {
    var table = TextTable([.init("OBJECT"), .init("NAME"), .init("STATUS"), .init("DETAILS")])
    var lines = StandardOutput()
    for object in topology.objects {
      let row = Row(object, isMissing: missing.contains(object), verify: verify)
      if output.json { lines.line(utf8: row.json) } else { table.row([row.kind, row.name, row.status, row.details]) }
    }
    table.finish()
  }

  private struct Row {
    let kind: String
    let name: String
    let details: String
    let status: String
    private let fields: [Detail.Field]

    init(_ object: TopologyObject, isMissing: Bool, verify: Bool) {
      let arguments = object.arguments.entries.map { entry in
        Detail.Field(entry.key, entry.value.text.map(Detail.text) ?? entry.value.integer.map(Detail.integer) ?? .null)
      }
      switch object {
      case .exchange(let name, _):
        kind = "exchange"
        self.name = name
        details = arguments.map { "\($0.name)=\($0.value.plain)" }.joined(separator: " ")
        fields = [Detail.Field("arguments", .fields(arguments))]
      case .queue(let name, _):
        kind = "queue"
        self.name = name
        details = arguments.map { "\($0.name)=\($0.value.plain)" }.joined(separator: " ")
        fields = [Detail.Field("arguments", .fields(arguments))]
      case .binding(let queue, let exchange, let routingKey):
        kind = "binding"
        name = queue
        details = "from \(exchange) with \(routingKey)"
        fields = [Detail.Field("exchange", .text(exchange)), Detail.Field("routingKey", .text(routingKey))]
      }
      switch object {
      case .exchange, .queue: status = isMissing ? (verify ? "missing" : "created") : "present"
      // The protocol has no question whether a binding exists.
      case .binding: status = verify ? "not checked" : "bound"
      }
    }

    var json: [UInt8] {
      var json = JSONWriter()
      json.value(
        [Detail.Field("object", .text(kind)), Detail.Field("name", .text(name)), Detail.Field("status", .text(status))]
          + fields)
      return json.bytes
    }
  }
}
