import ArgumentParser
import Lifecycle

/// `ostler send snapshot`.
struct SendSnapshot: SendSubcommand {
  static let command = CommandName.snapshot
  static let configuration = CommandConfiguration(
    commandName: "snapshot",
    abstract: "Publish states as they are.",
    discussion: """
      All servers, those of one location, or one server:
        ostler send snapshot
        ostler send snapshot --location 18
        ostler send snapshot --server 4711
      """
  )

  @Option(help: ArgumentHelp("Only this one.", valueName: "id"))
  var server: Int64?

  @Option(help: ArgumentHelp("Only those that stand there.", valueName: "id"))
  var location: Int64?

  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("locationId", location)
    return fields
  }
}
