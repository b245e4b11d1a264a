import ArgumentParser
import Lifecycle
import Worker

/// What every command that is sent takes.
struct SendOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Operation UUID: sending again with the same one applies it once. Minted and printed when left out.",
      valueName: "uuid"))
  var operation: String?

  @Option(help: ArgumentHelp("Attempt of that operation, 1 to 1000: a higher one is decided afresh.", valueName: "n"))
  var attempt: Int64?

  @Option(
    help: ArgumentHelp(
      "Not applied later than this: RFC 3339, such as 2026-11-23T16:52:07Z.", valueName: "time"))
  var notAfter: String?

  @OptionGroup var delivery: DeliveryOptions

  /// The common fields, in the order of the contract.
  func fields(operation: UUID128) -> [Detail.Field] {
    var fields = [Detail.Field("operationUuid", .text(self.operation ?? operation.description))]
    fields.add("attempt", attempt)
    fields.add("notAfter", notAfter)
    return fields
  }
}

/// How commands are published and their answers awaited.
struct DeliveryOptions: ParsableArguments {
  @Option(help: ArgumentHelp("How long to wait for the broker and for each answer.", valueName: "duration"))
  var timeout = DurationArgument(.seconds(60))

  @Flag(name: .customLong("no-wait"), help: "Return once the broker has the command; ask for no answer.")
  var noWait = false

  @Option(
    help: ArgumentHelp(
      "File whose first line is the API key to send the command with.", valueName: "file"),
    completion: .file())
  var apiKeyFile: String?

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard timeout.duration > .zero else { throw ValidationError("--timeout must be longer than nothing") }
  }
}

/// For commands on one server: which version they are meant for.
struct VersionOption: ParsableArguments {
  @Option(help: ArgumentHelp("Apply only if the server is at this version.", valueName: "n"))
  var ifVersion: Int64?
}

extension [Detail.Field] {
  /// Adds the field, unless there is no value for it.
  mutating func add(_ name: String, _ number: Int64?) {
    if let number { append(Detail.Field(name, .integer(number))) }
  }

  mutating func add(_ name: String, _ text: String?) {
    if let text { append(Detail.Field(name, .text(text))) }
  }
}
