import ArgumentParser
import Lifecycle

/// `ostler send allocate`.
struct SendAllocate: SendSubcommand {
  static let command = CommandName.allocate
  static let configuration = CommandConfiguration(
    commandName: "allocate",
    abstract: "Give a client a server of a type at a location.",
    discussion: """
      The server available longest is taken, where the client's quota has room for it:
        ostler send allocate --location 18 --type 126 --client 12345
      Charge it to a contract, and to the on-demand quota where that is full:
        ostler send allocate --location 18 --type 126 --client 12345 \\
          --contract JD-NB2UU6VX732 --overflow
      """
  )

  @Option(help: ArgumentHelp("Where.", valueName: "id"))
  var location: Int64

  @Option(help: ArgumentHelp("Instance type.", valueName: "id"))
  var type: Int64

  @Option(help: ArgumentHelp("For whom.", valueName: "id"))
  var client: Int64

  @Option(help: ArgumentHelp("Charge it to this contract; left out: on-demand.", valueName: "id"))
  var contract: String?

  @Flag(help: "Go on as on-demand where the contract has no room or no row.")
  var overflow = false

  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("locationId", location)
    fields.add("instanceTypeId", type)
    fields.add("clientId", client)
    fields.add("contractId", contract)
    if overflow { fields.append(Detail.Field("overflow", .boolean(true))) }
    return fields
  }
}
