import ArgumentParser
import Lifecycle
import Store
import Worker

extension DeadLetterState: ExpressibleByArgument {}

/// Which dead letters are meant: what every command on them takes.
struct DeadLetterSelection: ParsableArguments {
  @Option(help: "Only with this code.")
  var code: RejectionCode?

  @Option(
    help: ArgumentHelp("Only of this command; 'unknown' for those that are none of ours.", valueName: "command"),
    completion: .list(CommandName.allCases.map(\.rawValue) + ["unknown"]))
  var command: String?

  @Option(help: ArgumentHelp("Only for this server.", valueName: "id"))
  var server: ServerID?

  @Option(help: ArgumentHelp("Only for this client.", valueName: "id"))
  var client: ClientID?

  @Option(help: ArgumentHelp("Only of this operation.", valueName: "uuid"))
  var operation: String?

  @Option(help: ArgumentHelp("Only of this principal.", valueName: "name"))
  var actor: String?

  @Option(help: "Only in this state; may be given several times (default: open and replaying).")
  var state: [DeadLetterState] = []

  @Option(help: ArgumentHelp("Only what came before that long ago, such as 4h or 30d.", valueName: "duration"))
  var olderThan: DurationArgument?

  @Option(help: ArgumentHelp("Only with this somewhere in message, properties, headers or body.", valueName: "text"))
  var text: String?

  func validate() throws {
    guard let command, command != "unknown", CommandName(rawValue: command) == nil else { return }
    let names = CommandName.allCases.map(\.rawValue) + ["unknown"]
    let suggestion = Spelling.nearest(to: command, in: names)
    throw ValidationError(
      "--command: '\(command)' is no command"
        + (suggestion.map { "; did you mean '\($0)'?" } ?? "; there are \(names.joined(separator: ", "))"))
  }

  var filter: DeadLetterFilter {
    DeadLetterFilter(
      states: state.isEmpty ? [.open, .replaying] : Set(state), code: code, command: command, server: server,
      client: client, operation: operation.map { UUID128($0)?.description ?? $0 }, actor: actor,
      receivedBefore: olderThan.map { Timestamp.now - $0.duration }, text: text)
  }
}
