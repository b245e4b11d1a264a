import ArgumentParser
import Lifecycle

/// `ostler send isolate`.
struct SendIsolate: SendSubcommand {
  static let command = CommandName.isolate
  static let configuration = CommandConfiguration(
    commandName: "isolate",
    abstract: "Take a server out of use, for a stated cause.",
    discussion: """
        ostler send isolate --server 4711 --sub-state brokenHardware --reason 'PSU'
      """
  )

  @Option(help: ArgumentHelp("The server.", valueName: "id"))
  var server: Int64

  @Option(help: ArgumentHelp("The cause.", valueName: "cause"))
  var subState: SubState

  @Option(help: ArgumentHelp("Why, for the history; up to 1,000 characters.", valueName: "text"))
  var reason: String?

  @Option(help: ArgumentHelp("Only if this Back to Baseline run is the current one.", valueName: "uuid"))
  var baseline: String?

  @OptionGroup var version: VersionOption
  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("subState", subState.rawValue)
    fields.add("reason", reason)
    fields.add("baselineId", baseline)
    fields.add("ifVersion", version.ifVersion)
    return fields
  }
}
