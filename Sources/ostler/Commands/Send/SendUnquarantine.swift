import ArgumentParser
import Lifecycle

/// `ostler send unquarantine`.
struct SendUnquarantine: SendSubcommand {
  static let command = CommandName.unquarantine
  static let configuration = CommandConfiguration(
    commandName: "unquarantine",
    abstract: "End an investigation.",
    discussion: """
      Put back what was there before:
        ostler send unquarantine --server 4711 --case SEC-2041 \\
          --outcome restore --reason 'nothing found'
      Wipe it; an allocation ends:
        ostler send unquarantine --server 4711 --case SEC-2041 \\
          --outcome baseline --reason 'compromised'
      """
  )

  @Option(help: ArgumentHelp("The server.", valueName: "id"))
  var server: Int64

  @Option(help: ArgumentHelp("Put back what was there, or wipe it.", valueName: "how"))
  var outcome: UnquarantineOutcome

  @Option(help: ArgumentHelp("Why, for the history; up to 1,000 characters.", valueName: "text"))
  var reason: String

  @Option(
    name: .customLong("case"),
    help: ArgumentHelp("The investigation that ends; left out: the hold without a case.", valueName: "id"))
  var caseID: String?

  @OptionGroup var version: VersionOption
  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("outcome", outcome.rawValue)
    fields.add("reason", reason)
    fields.add("caseId", caseID)
    fields.add("ifVersion", version.ifVersion)
    return fields
  }
}
