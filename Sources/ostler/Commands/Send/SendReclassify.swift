import ArgumentParser
import Lifecycle

/// `ostler send reclassify`.
struct SendReclassify: SendSubcommand {
  static let command = CommandName.reclassify
  static let configuration = CommandConfiguration(
    commandName: "reclassify",
    abstract: "A server moved, or was rebuilt.",
    discussion: """
        ostler send reclassify --server 4711 --location 19 --reason 'moved to hall 3'
      """
  )

  @Option(help: ArgumentHelp("The server.", valueName: "id"))
  var server: Int64

  @Option(help: ArgumentHelp("Where it stands now.", valueName: "id"))
  var location: Int64?

  @Option(help: ArgumentHelp("Instance type it is now.", valueName: "id"))
  var type: Int64?

  @Option(help: ArgumentHelp("Up to 200 characters.", valueName: "text"))
  var name: String?

  @Option(help: ArgumentHelp("Why, for the history; up to 1,000 characters.", valueName: "text"))
  var reason: String?

  @OptionGroup var version: VersionOption
  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("locationId", location)
    fields.add("instanceTypeId", type)
    fields.add("name", name)
    fields.add("reason", reason)
    fields.add("ifVersion", version.ifVersion)
    return fields
  }
}
