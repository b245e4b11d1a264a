import ArgumentParser
import Lifecycle

/// `ostler send decommission`.
struct SendDecommission: SendSubcommand {
  static let command = CommandName.decommission
  static let configuration = CommandConfiguration(
    commandName: "decommission",
    abstract: "Take a server out for good.",
    discussion: """
        ostler send decommission --server 4711 --reason 'end of life'
      """
  )

  @Option(help: ArgumentHelp("The server.", valueName: "id"))
  var server: Int64

  @Option(help: ArgumentHelp("Why, for the history; up to 1,000 characters.", valueName: "text"))
  var reason: String?

  @OptionGroup var version: VersionOption
  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("reason", reason)
    fields.add("ifVersion", version.ifVersion)
    return fields
  }
}
