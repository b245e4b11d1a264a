import ArgumentParser
import Lifecycle
import Store

/// `ostler dead-letters discard`.
struct LetterDiscard: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "discard",
    abstract: "Close letters that nobody will replay, for a stated reason.",
    discussion: """
      'reopen' undoes it, until they are forgotten after deadLetters.retention. With a filter it takes open letters; \
      --state answered takes those whose senders know.

        ostler dl discard 1f0c9a7e --reason 'ordered again by hand'
        ostler dl discard --code expired --older-than 1d --reason 'nobody waits for these'
      """
  )

  @OptionGroup var targets: LetterTargets

  @Option(help: ArgumentHelp("Why; kept with who and when.", valueName: "text"))
  var reason: String

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try LetterTargets.checkReason(reason)
  }

  func run() async throws {
    let reason = reason
    try await LetterChange(
      targets: targets, states: [.open], allowed: [.open, .answered], verb: "discard", past: "discarded"
    ) { (transaction, id) throws(StoreError) in
      try transaction.discard(id, by: Operator.name, reason: reason, at: .now)
    }.run(common)
  }
}
