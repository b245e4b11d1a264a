import ArgumentParser
import Lifecycle

/// `ostler send quarantine`.
struct SendQuarantine: SendSubcommand {
  static let command = CommandName.quarantine
  static let configuration = CommandConfiguration(
    commandName: "quarantine",
    abstract: "Freeze a server exactly as it is, for an investigation.",
    discussion: """
        ostler send quarantine --server 4711 --case SEC-2041 --reason 'court order'
      """
  )

  @Option(help: ArgumentHelp("The server.", valueName: "id"))
  var server: Int64

  @Option(
    name: .customLong("case"),
    help: ArgumentHelp("The investigation; each one holds the server on its own.", valueName: "id"))
  var caseID: String?

  @Option(help: ArgumentHelp("Why, for the history; up to 1,000 characters.", valueName: "text"))
  var reason: String?

  @OptionGroup var version: VersionOption
  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("caseId", caseID)
    fields.add("reason", reason)
    fields.add("ifVersion", version.ifVersion)
    return fields
  }
}
