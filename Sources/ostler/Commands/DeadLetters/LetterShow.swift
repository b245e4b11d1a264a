import ArgumentParser
import Lifecycle
import Store
import Worker

/// `ostler dead-letters show`.
struct LetterShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Tell everything about one letter: why, what it says, its server then and now, what a replay would do.",
    discussion: """
        ostler dl show 1f0c9a7e
        ostler dl show 1f0c9a7e --raw > body
        ostler dl show 1f0c9a7e --json | jq .replays
      """
  )

  @Argument(help: ArgumentHelp("The letter, or its first digits.", valueName: "id"))
  var id: LetterReference

  @Flag(help: "Only the body, byte by byte as it came.")
  var raw = false

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard !raw || !output.json else { throw ValidationError("--raw and --json exclude each other") }
  }

  func run() async throws {
    let settings = try common.settings()
    try await StoreAccess.read(common) { store in
      let letter = try await store.letter(try await id.resolve(in: store))
      if raw {
        printRaw(letter)
        return
      }
      let facts = try await LetterReport(of: letter, in: store, settings: settings)
      if output.json {
        var lines = StandardOutput()
        lines.line(utf8: facts.document)
        lines.flush()
      } else {
        LetterText(facts: facts, topology: Topology(settings)).print()
      }
    }
  }

  private func printRaw(_ letter: DeadLetter) {
    var output = StandardOutput()
    output.bytes(letter.body)
    output.flush()
    if !letter.isReplayable {
      Complaint.print("only the first \(letter.body.count) of \(letter.bodySize) bytes were kept")
    }
  }
}

/// Everything that there is to tell about one letter.
struct LetterReport {
  let letter: DeadLetter
  let replays: [Replay]
  let audit: [AuditEntry]
  /// The server as it is; `nil` where the letter names none, or it was never enrolled.
  let server: Server?
  /// The server's story around the time of the letter.
  let history: [HistoryEntry]
  /// The last change before the letter came.
  let before: HistoryEntry?
  /// Why it cannot be replayed as it is.
  let refusal: ReplayRequest.Refusal?
  /// What a replay now would do; `nil` where the letter's state allows none.
  let verdict: ReplayVerdict?

  /// Entries of the server's story before, and after, the letter.
  private static let neighbours = 3

  init(of letter: DeadLetter, in store: Store, settings: Settings) async throws {
    self.letter = letter
    let maxFailures = settings.deadLetters.maxReplays
    (replays, server, refusal, verdict) = try await store.read { (snapshot) throws(StoreError) in
      let refusal = try snapshot.replayRefusal(of: letter, maxFailures: maxFailures)
      let dryRun = DryRun(over: snapshot, settings: settings, now: .now)
      return (
        try snapshot.replays(of: letter.id),
        try letter.serverID.flatMap { id throws(StoreError) in try snapshot.server(id) }, refusal,
        try refusal?.isOfTheLetter ?? true ? ReplayVerdict(on: letter, refusal: refusal, dryRun) : nil
      )
    }
    var audit: [AuditEntry] = []
    try await store.forEachAuditEntry(of: letter.id) { audit.append($0) }
    self.audit = audit
    var earlier: [HistoryEntry] = []
    var later: [HistoryEntry] = []
    var before: HistoryEntry?
    if let id = letter.serverID {
      try await store.forEachHistoryEntry(of: id) { entry in
        if entry.at <= letter.receivedAt {
          if case .changed = entry.happening { before = entry }
          earlier.append(entry)
          if earlier.count > Self.neighbours { earlier.removeFirst() }
        } else if later.count < Self.neighbours {
          later.append(entry)
        }
      }
    }
    self.before = before
    history = earlier + later
  }

  /// The letter as ``DeadLetterDocument`` has it, with what became of it.
  var document: [UInt8] {
    DeadLetterDocument.encode(letter) { json in
      if let original = letter.editedFrom {
        json.key("editedFrom")
        json.value(original)
      }
      json.key("replays")
      json.beginArray()
      for replay in replays { json.value(ExportedLetter.fields(replay)) }
      json.endArray()
      json.key("audit")
      json.beginArray()
      for entry in audit { json.value(AuditDocument.fields(entry)) }
      json.endArray()
      if let state = before.flatMap({ $0.stateAfter }) {
        json.key("stateThen")
        json.value(state)
      }
      if let server {
        json.key("server")
        json.verbatim(ServerDocument.encode(server))
      }
      verdict?.write(to: &json)
    }
  }
}

extension ReplayRequest.Refusal {
  /// In words, to go on after the letter's name.
  var text: String {
    switch self {
    case .unknownLetter: "it is gone: it has been pruned"
    case .notOpen(.replaying): "it is being replayed already"
    case .notOpen(.discarded): "it is discarded; 'reopen' it first"
    case .notOpen(let state): "it is \(state.rawValue)"
    case .bodyIncomplete: "only the beginning of its body was kept, so that it cannot be sent again"
    case .noCommand: "it names no command of ours; 'edit --command NAME' makes one of it"
    case .failedTooOften(let times):
      "its replays have failed \(times) times (deadLetters.maxReplays); --force allows more"
    }
  }
}
