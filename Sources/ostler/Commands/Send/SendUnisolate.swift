import ArgumentParser
import Lifecycle

/// `ostler send unisolate`.
struct SendUnisolate: SendSubcommand {
  static let command = CommandName.unisolate
  static let configuration = CommandConfiguration(
    commandName: "unisolate",
    abstract: "Take a server out of isolation into Back to Baseline.",
    discussion: """
        ostler send unisolate --server 4711
      """
  )

  @Option(help: ArgumentHelp("The server.", valueName: "id"))
  var server: Int64

  @OptionGroup var version: VersionOption
  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("ifVersion", version.ifVersion)
    return fields
  }
}
