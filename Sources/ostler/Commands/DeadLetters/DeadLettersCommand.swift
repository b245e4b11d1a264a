import ArgumentParser

/// `ostler dead-letters`.
struct DeadLettersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead-letters",
    abstract: "See what could not be applied, understand why, and replay it safely.",
    discussion: """
      Every message that was not applied is kept as it came, with the reason. Looking takes nothing away. Everything here \
      works on the store, whether a worker runs or not; replays that are asked for while none runs go out when one starts.

      What is open, grouped by its cause:
        ostler dead-letters
      Then, for one of the causes ('dl' is short for 'dead-letters'):
        ostler dl list --code quota-exceeded
        ostler dl show 1f0c9a7e
        ostler dl replay --code quota-exceeded --dry-run
        ostler dl replay --code quota-exceeded --first 10 --wait
        ostler dl replay --code quota-exceeded --rate 200 --wait

      An ID may be cut to its first digits, as long as only one letter begins with them.
      """,
    subcommands: [
      LettersOverview.self, DeadLettersList.self, LetterShow.self, LetterReplay.self, LetterEdit.self,
      LetterDiscard.self, LetterReopen.self, LetterExport.self, LetterImport.self, LetterAudit.self,
    ],
    defaultSubcommand: LettersOverview.self,
    aliases: ["dl"]
  )
}
