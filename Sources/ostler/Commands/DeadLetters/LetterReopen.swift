import ArgumentParser
import Lifecycle
import Store

/// `ostler dead-letters reopen`.
struct LetterReopen: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reopen",
    abstract: "Undo a discard, or free letters whose replay never came back.",
    discussion: """
      A replay does not come back when its queue was purged or deleted. A copy of it that turns up later changes nothing. \
      A letter is open afterwards, also one that was answered before it was discarded. With a filter, --state says which of the two is meant; originals of edited letters are then left closed.

        ostler dl reopen 1f0c9a7e
        ostler dl reopen --state replaying --older-than 1h --reason 'the queue was purged'
      """
  )

  @OptionGroup var targets: LetterTargets

  @Option(help: ArgumentHelp("Why; kept with who and when.", valueName: "text"))
  var reason: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    try LetterTargets.checkReason(reason)
    guard targets.ids.isEmpty else { return }
    guard !targets.selection.state.isEmpty else {
      throw ValidationError("name letters, or say --state replaying or --state discarded")
    }
  }

  func run() async throws {
    let reason = reason
    try await LetterChange(
      targets: targets, states: [.replaying, .discarded], allowed: [.replaying, .discarded], verb: "reopen",
      past: "reopened",
      note: { (snapshot, id) throws(StoreError) in
        try snapshot.editedCopy(of: id).map { "it was edited, and its copy is \($0)" }
      }
    ) { (transaction, id) throws(StoreError) in
      try transaction.reopen(id, by: Operator.name, reason: reason, at: .now)
    }.run(common)
  }
}

extension Snapshot {
  /// The letter that an edit put in place of this one: to replay both would do the work twice.
  fileprivate func editedCopy(of id: UUID128) throws(StoreError) -> UUID128? {
    let limit = 1000
    return try audit(of: id, limit: limit).entries.last { $0.action == .edit && $0.letterID == id }?.linkedLetter
  }
}
