import ArgumentParser

/// `ostler dead-letters`.
struct DeadLettersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead-letters",
    abstract: "Look at what could not be applied.",
    discussion: """
      Every message that was not applied is kept as it came, with the reason. Looking takes nothing away.

        ostler dead-letters list
        ostler dl list --code quota-exceeded --client 12345
      """,
    subcommands: [DeadLettersList.self],
    defaultSubcommand: DeadLettersList.self,
    aliases: ["dl"]
  )
}
