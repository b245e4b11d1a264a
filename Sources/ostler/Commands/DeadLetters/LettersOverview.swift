import ArgumentParser
import Lifecycle
import Store
import Worker

/// `ostler dead-letters` alone: 5,000 letters with one cause are one problem.
struct LettersOverview: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "overview",
    abstract: "What is open, grouped by its cause, and what to do about it.",
    discussion: """
      With --json it prints the letters themselves, as 'list' does.
      """
  )

  @OptionGroup var selection: DeadLetterSelection
  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await selection.read(common) { store in
      if output.json {
        var lines = StandardOutput()
        try await store.forEachLetter(matching: selection.filter()) { letter in
          lines.line(utf8: DeadLetterDocument.encode(letter))
        }
        lines.flush()
      } else {
        try await printGroups(store)
      }
    }
  }

  private func printGroups(_ store: Store) async throws {
    let groups = try await LetterGroups(by: .code, filter: selection.filter(), limit: nil).read(store)
    let now = Timestamp.now
    var table = TextTable([
      .init("COUNT", isNumber: true), .init("CODE", isWhole: true), .init("OLDEST", isNumber: true),
      .init("NEWEST", isNumber: true),
      .init("EXAMPLE", isWhole: true),
      .init("MESSAGE"),
    ])
    var advice: [(code: RejectionCode, example: DeadLetter)] = []
    for group in groups {
      guard let code = group.value.flatMap(RejectionCode.init(rawValue:)),
        let example = try await first(of: code, store)
      else { continue }
      advice.append((code, example))
      table.row([
        PlainText.grouped(group.count), code.rawValue, AgeText.write(from: group.oldest, to: now),
        AgeText.write(from: group.newest, to: now), example.id.short, example.message,
      ])
    }
    table.finish()
    try await printCounts(store, isEmpty: groups.isEmpty)
    guard !advice.isEmpty else { return }
    var lines = StandardOutput()
    lines.line("\nWhat to do:")
    for (code, _) in advice { lines.line("  \(code.rawValue): \(LetterAdvice.text(code))") }
    lines.line("\nNext, for the first of them:")
    lines.line("  ostler dl list --code \(advice[0].code.rawValue)")
    lines.line("  ostler dl show \(advice[0].example.id.short)")
    switch LetterAdvice.kind(advice[0].code) {
    case .replay: lines.line("  ostler dl replay --code \(advice[0].code.rawValue) --dry-run")
    case .edit: lines.line("  ostler dl edit \(advice[0].example.id.short)")
    }
    lines.flush()
  }

  private func first(of code: RejectionCode, _ store: Store) async throws(StoreError) -> DeadLetter? {
    var filter = selection.filter()
    filter.code = code
    return try await store.read { [filter] (snapshot) throws(StoreError) in
      try snapshot.letters(matching: filter, limit: 1).letters.first
    }
  }

  private func printCounts(_ store: Store, isEmpty: Bool) async throws {
    let counts = try await store.read { (snapshot) throws(StoreError) in try snapshot.letterCounts() }
    var parts: [String] = []
    for (state, phrase) in [
      (DeadLetterState.open, "open"), (.replaying, "being replayed"), (.answered, "answered (their senders know)"),
      (.resolved, "resolved"), (.discarded, "discarded"),
    ] {
      if let count = counts[state], count > 0 { parts.append("\(PlainText.grouped(count)) \(phrase)") }
    }
    var lines = StandardOutput()
    if isEmpty { lines.line(selection.isEmpty ? "No dead letters are open." : "No dead letters match.") }
    if !parts.isEmpty {
      lines.line("\(isEmpty ? "" : "\n")In all: \(parts.joined(separator: ", ")); --state shows others than open ones.")
    }
    lines.flush()
  }
}
