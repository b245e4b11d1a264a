import ArgumentParser
import Lifecycle

/// `ostler send set-quota`.
struct SendSetQuota: SendSubcommand {
  static let command = CommandName.setQuota
  static let configuration = CommandConfiguration(
    commandName: "set-quota",
    abstract: "Set how many servers a client may have, or remove that row.",
    discussion: """
      On-demand, of one type at one location (client 0 is the default for clients without rows of their own):
        ostler send set-quota --client 12345 --location 18 --type 126 --limit 20
      For a contract:
        ostler send set-quota --client 12345 --contract JD-NB2UU6VX732 \\
          --location 18 --type 126 --limit 5
      A cap for a location, and one over all of them:
        ostler send set-quota --client 12345 --location 18 --type 0 --limit 50
        ostler send set-quota --client 12345 --location 0 --type 0 --limit 80
      Remove a row:
        ostler send set-quota --client 12345 --location 18 --type 126 --remove
      """
  )

  @Option(help: ArgumentHelp("The client; 0 is the default for all.", valueName: "id"))
  var client: Int64

  @Option(help: ArgumentHelp("The contract; left out: on-demand.", valueName: "id"))
  var contract: String?

  @Option(help: ArgumentHelp("The location; 0 with type 0: any.", valueName: "id"))
  var location: Int64

  @Option(help: ArgumentHelp("Instance type; 0: any.", valueName: "id"))
  var type: Int64

  @Option(help: ArgumentHelp("How many, 0 to 32767.", valueName: "n"))
  var limit: Int64?

  @Flag(help: "Remove the row.")
  var remove = false

  @OptionGroup var send: SendOptions

  func validate() throws {
    guard (limit == nil) == remove else { throw ValidationError("give either --limit or --remove") }
  }

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("clientId", client)
    fields.add("contractId", contract)
    fields.add("locationId", location)
    fields.add("instanceTypeId", type)
    fields.append(Detail.Field("limit", limit.map(Detail.integer) ?? .null))
    return fields
  }
}
