import ArgumentParser
import Lifecycle

/// `ostler send enroll`.
struct SendEnroll: SendSubcommand {
  static let command = CommandName.enroll
  static let configuration = CommandConfiguration(
    commandName: "enroll",
    abstract: "Put a server under Ostler, also one already in use elsewhere.",
    discussion: """
      A new machine:
        ostler send enroll --server 4711 --location 18 --type 126 --name r12-u07
      One that a client has already:
        ostler send enroll --server 4712 --location 18 --type 126 \\
          --state allocated --client 12345 --since 2024-03-01T00:00:00Z
      A whole fleet: see 'ostler import servers --help'
      """
  )

  @Option(help: ArgumentHelp("The server.", valueName: "id"))
  var server: Int64

  @Option(help: ArgumentHelp("Where it stands.", valueName: "id"))
  var location: Int64

  @Option(help: ArgumentHelp("Instance type.", valueName: "id"))
  var type: Int64

  @Option(help: ArgumentHelp("Up to 200 characters.", valueName: "text"))
  var name: String?

  @Option(help: ArgumentHelp("Any but decommissioned (default: new).", valueName: "state"))
  var state: StateName?

  @Option(help: ArgumentHelp("The cause, where it is isolated.", valueName: "cause"))
  var subState: SubState?

  @Option(help: ArgumentHelp("Why, for the history; up to 1,000 characters.", valueName: "text"))
  var reason: String?

  @Option(help: ArgumentHelp("Who holds it, where it is allocated (or was when it was frozen).", valueName: "id"))
  var client: Int64?

  @Option(help: ArgumentHelp("The contract it is charged to.", valueName: "id"))
  var contract: String?

  @Option(help: ArgumentHelp("What it is charged to (default: commit where such a row exists).", valueName: "type"))
  var quotaType: QuotaType?

  @Option(help: ArgumentHelp("When the allocation or availability began: RFC 3339.", valueName: "time"))
  var since: String?

  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("locationId", location)
    fields.add("instanceTypeId", type)
    fields.add("name", name)
    fields.add("state", state?.rawValue)
    fields.add("subState", subState?.rawValue)
    fields.add("reason", reason)
    fields.add("clientId", client)
    fields.add("contractId", contract)
    fields.add("quotaType", quotaType?.rawValue)
    fields.add("since", since)
    return fields
  }
}
