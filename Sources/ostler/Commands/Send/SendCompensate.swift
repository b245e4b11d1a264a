import ArgumentParser
import Lifecycle

/// `ostler send compensate`.
struct SendCompensate: SendSubcommand {
  static let command = CommandName.compensate
  static let configuration = CommandConfiguration(
    commandName: "compensate",
    abstract: "Undo an allocation that failed to deliver: never billable.",
    discussion: """
        ostler send compensate --server 4711 --client 12345 --reason 'no network'
      """
  )

  @Option(help: ArgumentHelp("The server.", valueName: "id"))
  var server: Int64

  @Option(help: ArgumentHelp("Who holds it.", valueName: "id"))
  var client: Int64

  @Option(help: ArgumentHelp("Which allocation; left out: the current one.", valueName: "uuid"))
  var allocation: String?

  @Option(help: ArgumentHelp("Why, for the history; up to 1,000 characters.", valueName: "text"))
  var reason: String?

  @OptionGroup var version: VersionOption
  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("clientId", client)
    fields.add("allocationId", allocation)
    fields.add("reason", reason)
    fields.add("ifVersion", version.ifVersion)
    return fields
  }
}
