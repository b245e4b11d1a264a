import ArgumentParser
import Lifecycle
import Store
import Worker

/// `ostler dead-letters edit`.
struct LetterEdit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edit",
    abstract: "Mend the body of one letter and replay it, as a new letter that is linked to the old one.",
    discussion: """
      Without --set and --unset the body opens in $VISUAL or $EDITOR. A value is JSON where it can be read as such (5, true, \
      null, "5"), else text. The new body is checked as the worker will check it, and gets an operationUuid of its own; one \
      that would be refused changes nothing. The old letter is closed.

        ostler dl edit 1f0c9a7e
        ostler dl edit 1f0c9a7e --set clientId=12345 --unset notAfter --reason 'wrong client'
        ostler dl edit 1f0c9a7e --command deallocate --no-replay
      """
  )

  @Argument(help: ArgumentHelp("The letter, or its first digits.", valueName: "id"))
  var id: LetterReference

  @Option(help: ArgumentHelp("Set a field; may be given several times.", valueName: "path=value"))
  var set: [FieldAssignment] = []

  @Option(help: ArgumentHelp("Remove a field; may be given several times.", valueName: "path"))
  var unset: [FieldPath] = []

  @Option(help: "The command it is to be, for a letter that names none, or another one.")
  var command: CommandName?

  @Flag(name: .customLong("no-replay"), help: "Only keep the new letter, open.")
  var noReplay = false

  @Flag(help: "Follow the replay to its end.")
  var wait = false

  @Option(help: ArgumentHelp("How long --wait waits.", valueName: "duration"))
  var timeout = DurationArgument(.seconds(300))

  @Option(help: ArgumentHelp("Why; kept with who and when.", valueName: "text"))
  var reason: String?

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    try LetterTargets.checkReason(reason)
    guard !wait || !noReplay else { throw ValidationError("--wait and --no-replay exclude each other") }
    guard timeout.duration > .zero else { throw ValidationError("--timeout must be longer than nothing") }
    let paths = set.map(\.path) + unset
    guard !paths.contains(where: { $0.names == ["operationUuid"] }) else {
      throw ValidationError("operationUuid is new in every edited letter; it cannot be set")
    }
  }

  func run() async throws {
    try await StoreAccess.write(common) { store, settings in
      let original = try await store.letter(try await id.resolve(in: store))
      try check(original)
      let edit = LetterBodyEdit(original: original, command: try commandOf(original), settings: settings)
      let body: [UInt8]
      var editor: BodyEditor?
      if set.isEmpty, unset.isEmpty {
        let opened = try BodyEditor(original)
        editor = opened
        body = try opened.edit(mayStay: command != nil)
      } else {
        body = try edit.body(setting: set, removing: unset)
      }
      let edited: LetterBodyEdit.Edited
      do {
        edited = try edit.letter(with: body)
        try await keep(edited, insteadOf: original, store)
      } catch let failure as CommandFailure {
        guard let editor else { throw failure }
        throw CommandFailure(failure.status, "\(failure.message)\nWhat you wrote is in \(editor.path)")
      }
      editor?.remove()
      try await tell(edited, original, store)
    }
  }

  private func check(_ original: DeadLetter) throws(CommandFailure) {
    switch original.state {
    case .open, .answered: break
    case .replaying:
      throw CommandFailure(
        .refused, "\(original.id) is being replayed; wait for that, or 'reopen' it first. Nothing was changed")
    case .resolved, .discarded:
      throw CommandFailure(
        .refused, "\(original.id) is \(original.state.rawValue); only an open letter is edited. Nothing was changed")
    }
    guard original.isReplayable else {
      throw CommandFailure(
        .refused,
        "only the first \(original.body.count) of \(original.bodySize) bytes of its body were kept; "
          + "have its sender send it again. Nothing was changed")
    }
  }

  private func commandOf(_ original: DeadLetter) throws(CommandFailure) -> CommandName {
    if let command { return command }
    if original.code != .foreign, let known = CommandName(rawValue: original.command) { return known }
    throw CommandFailure(
      .refused,
      "the letter names no command of ours ('\(PlainText.clean(PlainText.cut(original.command, to: 60)))'); say which one "
        + "it is to be: --command with one of \(CommandName.allCases.map(\.rawValue).joined(separator: ", "))")
  }

  private func keep(
    _ edited: LetterBodyEdit.Edited, insteadOf original: DeadLetter, _ store: Store
  ) async throws {
    let (reason, noReplay) = (reason, noReplay)
    let refusal = try await store.commit(owner: nil) { (transaction) throws(StoreError) -> LetterRefusal? in
      let refusal = try transaction.replace(
        original.id, by: edited.letter, ofKey: edited.key, who: Operator.name, reason: reason, at: .now)
      guard refusal == nil, !noReplay else { return refusal }
      let request = try transaction.askReplay(
        of: edited.letter.id, by: Operator.name, reason: reason, at: .now, maxFailures: nil)
      guard case .asked = request else { preconditionFailure("an edited letter is a command and is open") }
      return nil
    }
    if let refusal {
      throw CommandFailure(.refused, "\(original.id): \(LetterChange.text(refusal)). Nothing was changed")
    }
  }

  private func tell(_ edited: LetterBodyEdit.Edited, _ original: DeadLetter, _ store: Store) async throws {
    let id = edited.letter.id
    var lines = StandardOutput()
    if !output.json {
      lines.line(
        "\(id): edited from \(original.id), operation \(edited.letter.operation ?? "")"
          + (noReplay ? "; open, not replayed" : "; replay asked for"))
    }
    lines.flush()
    var following = ReplayFollowing(store: store, asked: noReplay ? [] : [.init(id: id, attempt: 1)])
    if wait {
      Interruption.catchSignals()
      try await following.follow(for: timeout.duration)
    }
    if output.json {
      lines.line(
        utf8: DeadLetterDocument.encode(try await store.letter(id)) { json in
          json.key("editedFrom")
          json.value(original.id)
        })
    } else if wait {
      lines.line(following.summary)
    }
    lines.flush()
    if !following.isComplete, try await !store.hasWorker() {
      Complaint.print("no worker runs on this store; the replay goes out when one starts")
    }
    guard wait else { return }
    if following.failedCount > 0 {
      let now = try await store.letter(id)
      throw CommandFailure(.refused, "\(now.code.rawValue): \(PlainText.clean(now.message))")
    }
    if !following.isComplete { throw CommandFailure(.unavailable, "the replay has not ended in time; it goes on") }
  }
}
