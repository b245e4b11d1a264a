import ArgumentParser
import Lifecycle
import Store
import Worker

extension DeadLetterState: ExpressibleByArgument {}

/// Which dead letters are meant: what every command on many of them takes.
struct DeadLetterSelection: ParsableArguments {
  @Option(help: "Only with this code.")
  var code: RejectionCode?

  @Option(
    help: ArgumentHelp(
      "Only of this command, as the message named it; 'unknown' for those that named none.", valueName: "command"),
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

  @Option(help: "Only in this state; may be given several times.")
  var state: [DeadLetterState] = []

  @Option(help: ArgumentHelp("Only what came before that long ago, such as 4h or 30d.", valueName: "duration"))
  var olderThan: DurationArgument?

  @Option(
    help: ArgumentHelp("Only with this somewhere in message, details, properties, headers or body.", valueName: "text"))
  var text: String?

  /// Whether it is every letter: no filter was given.
  var isEmpty: Bool {
    code == nil && command == nil && server == nil && client == nil && operation == nil && actor == nil
      && state.isEmpty && olderThan == nil && text == nil
  }

  /// - Parameter states: those that are meant where none was named.
  func filter(otherwise states: Set<DeadLetterState> = [.open, .replaying]) -> DeadLetterFilter {
    DeadLetterFilter(
      states: state.isEmpty ? states : Set(state), code: code, command: command, server: server, client: client,
      operation: operation.map { UUID128($0)?.description ?? $0 }, actor: actor,
      receivedBefore: olderThan.map { Timestamp.now - $0.duration }, text: text)
  }

  /// As ``StoreAccess/read(_:_:)``, once the filter is known to be understood.
  func read(_ common: CommonOptions, _ body: (Store) async throws -> Void) async throws {
    try await understood { opened in
      try await StoreAccess.read(common) { store in
        opened()
        try await checkCommand(in: store)
        try await body(store)
      }
    }
  }

  /// As ``StoreAccess/write(_:_:)``, once the filter is known to be understood.
  func write(_ common: CommonOptions, _ body: (Store, Settings) async throws -> Void) async throws {
    try await understood { opened in
      try await StoreAccess.write(common) { store, settings in
        opened()
        try await checkCommand(in: store)
        try await body(store, settings)
      }
    }
  }

  /// Where there is no store to ask, what is no command is wrong usage.
  private func understood(_ body: (_ opened: () -> Void) async throws -> Void) async throws {
    var isOpen = false
    do {
      try await body { isOpen = true }
    } catch let failure as CommandFailure {
      throw isOpen ? failure : misspelt ?? failure
    }
  }

  /// A message may name a command that is none of ours, and its letter keeps that name; so what no letter has, and is
  /// no command, is a slip of the finger.
  ///
  /// - Throws: `CommandFailure` with status 64.
  private func checkCommand(in store: Store) async throws {
    guard let command, let misspelt else { return }
    let known = try await store.read { (snapshot) throws(StoreError) in
      try snapshot.letters(matching: DeadLetterFilter(command: command), limit: 1).letters
    }
    if known.isEmpty { throw misspelt }
  }

  /// What to say where no letter has that command.
  private var misspelt: CommandFailure? {
    guard let command, command != "unknown", CommandName(rawValue: command) == nil else { return nil }
    let names = CommandName.allCases.map(\.rawValue) + ["unknown"]
    let suggestion = Spelling.nearest(to: command, in: names)
    return CommandFailure(
      .usage,
      "--command: '\(PlainText.clean(PlainText.cut(command, to: 60)))' is no command, and no dead letter has it"
        + (suggestion.map { "; did you mean '\($0)'?" } ?? "; there are \(names.joined(separator: ", "))"))
  }
}
