import ArgumentParser
import Lifecycle

/// `ostler send available`.
struct SendAvailable: SendSubcommand {
  static let command = CommandName.available
  static let configuration = CommandConfiguration(
    commandName: "available",
    abstract: "Back to Baseline succeeded: the server may be allocated.",
    discussion: """
        ostler send available --server 4711 \\
          --baseline 8a6f1a52-2a57-4b0e-b1ab-0c6a8a0d5f6e
      """
  )

  @Option(help: ArgumentHelp("The server.", valueName: "id"))
  var server: Int64

  @Option(help: ArgumentHelp("The run that succeeded; refused where it is not the current one.", valueName: "uuid"))
  var baseline: String?

  @OptionGroup var version: VersionOption
  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("baselineId", baseline)
    fields.add("ifVersion", version.ifVersion)
    return fields
  }
}
