import ArgumentParser

/// `ostler send --file`.
struct SendFile: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "file",
    abstract: "Send the commands of a file; 'send --file' is the same.",
    discussion: """
      Each line is the body of a command as a JSON object, and "command" names which one it is. They are published in the \
      order of the file, up to \(CommandSender.window) of them under way; a line without operationUuid gets a new one.

        ostler send --file commands.jsonl
        generate | ostler send --file - --json > answers.jsonl

      Lines that are wrong are reported and left out, the others are sent. At the end there is a count by outcome and code.
      """
  )

  @Option(
    help: ArgumentHelp("JSON Lines, a command each; '-' is standard input.", valueName: "file"), completion: .file())
  var file: String?

  @OptionGroup var delivery: DeliveryOptions

  func run() async throws {
    guard let file else {
      throw ValidationError("name a command to send, or a --file of them; 'ostler send --help' shows both")
    }
    try await ManySend(path: file, options: delivery).run()
  }
}
