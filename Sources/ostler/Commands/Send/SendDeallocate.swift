import ArgumentParser
import Lifecycle

/// `ostler send deallocate`.
struct SendDeallocate: SendSubcommand {
  static let command = CommandName.deallocate
  static let configuration = CommandConfiguration(
    commandName: "deallocate",
    abstract: "A client returns a server; Back to Baseline follows.",
    discussion: """
        ostler send deallocate --server 4711 --client 12345
      Name the allocation too, and a later one of the same client is never ended by mistake:
        ostler send deallocate --server 4711 --client 12345 \\
          --allocation 0b0e7a5c-6f0e-4bb3-9d5c-1d5d7a8f3f10
      """
  )

  @Option(help: ArgumentHelp("The server.", valueName: "id"))
  var server: Int64

  @Option(help: ArgumentHelp("Who returns it.", valueName: "id"))
  var client: Int64

  @Option(help: ArgumentHelp("Which allocation; left out: the current one.", valueName: "uuid"))
  var allocation: String?

  @OptionGroup var version: VersionOption
  @OptionGroup var send: SendOptions

  var fields: [Detail.Field] {
    var fields: [Detail.Field] = []
    fields.add("serverId", server)
    fields.add("clientId", client)
    fields.add("allocationId", allocation)
    fields.add("ifVersion", version.ifVersion)
    return fields
  }
}
