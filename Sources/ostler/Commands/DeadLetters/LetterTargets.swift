import ArgumentParser
import Lifecycle
import Store

/// The letters that are to be changed: named one by one, or by a filter.
struct LetterTargets: ParsableArguments {
  @Argument(help: ArgumentHelp("Letters, or their first digits.", valueName: "id"))
  var ids: [LetterReference] = []

  @OptionGroup var selection: DeadLetterSelection

  @Flag(help: "All of them, where no filter is given.")
  var all = false

  @Flag(help: "Do not ask, also on a terminal.")
  var yes = false

  static let maxReasonCharacters = 1000

  static func checkReason(_ reason: String?) throws {
    guard let reason else { return }
    guard reason.contains(where: { !$0.isWhitespace }) else { throw ValidationError("--reason is empty") }
    guard reason.count <= maxReasonCharacters else {
      throw ValidationError("--reason is longer than \(maxReasonCharacters) characters")
    }
  }

  /// A variable of a script that turned out empty must not become "all of them".
  func validate() throws {
    guard ids.isEmpty || (selection.isEmpty && !all) else {
      throw ValidationError("letters are named one by one or by a filter, not both")
    }
  }

  /// Whether it was said which letters are meant.
  var isNamed: Bool { !ids.isEmpty || !selection.isEmpty || all }

  static let unnamed = ValidationError("name letters by ID, or by a filter such as --code; --all means every open one")
}

/// One change to many letters, each in the store when it is done, a few hundred a transaction.
struct LetterChange {
  let targets: LetterTargets
  /// Letters in these states are changed where a filter does not say.
  let states: Set<DeadLetterState>
  /// Letters in other states are left alone, whatever a filter says.
  let allowed: Set<DeadLetterState>
  let verb: String
  let past: String
  /// What speaks against changing a letter (it has been edited): one that a filter found is left out for it, one that was named is not.
  var note: @Sendable (Snapshot, UUID128) throws(StoreError) -> String? = { _, _ throws(StoreError) in nil }
  let change: @Sendable (Transaction, UUID128) throws(StoreError) -> LetterRefusal?

  private static let chunk = 200
  private static let maxTold = 20

  func run(_ common: CommonOptions) async throws {
    guard targets.isNamed else { throw LetterTargets.unnamed }
    try await targets.selection.write(common) { store, _ in
      let ids = try await ids(store)
      guard !ids.isEmpty else { throw CommandFailure(.refused, "no dead letters match; nothing was \(past)") }
      try Confirmation.ask(
        "\(verb.prefix(1).uppercased() + verb.dropFirst()) \(PlainText.grouped(ids.count)) letters?",
        isNeeded: targets.ids.isEmpty && ids.count > 1 && !targets.yes)
      try await apply(to: ids, store)
    }
  }

  private func ids(_ store: Store) async throws -> [UUID128] {
    if !targets.ids.isEmpty {
      let ids = try await targets.ids.resolve(in: store)
      for (id, note) in zip(ids, try await notes(ids, store)) {
        if let note { Complaint.print("\(id): \(note)") }
      }
      return ids
    }
    var filter = targets.selection.filter(otherwise: states)
    filter.states?.formIntersection(allowed)
    var ids: [UUID128] = []
    try await store.forEachLetter(matching: filter) { ids.append($0.id) }
    let notes = try await notes(ids, store)
    let leftOut = notes.count { $0 != nil }
    if leftOut > 0 {
      Complaint.print("left out: \(PlainText.grouped(leftOut)) that have been edited; name them by ID to reopen them")
    }
    return zip(ids, notes).compactMap { $1 == nil ? $0 : nil }
  }

  private func notes(_ ids: [UUID128], _ store: Store) async throws(StoreError) -> [String?] {
    let note = note
    return try await store.read { (snapshot) throws(StoreError) in
      var notes: [String?] = []
      for id in ids { notes.append(try note(snapshot, id)) }
      return notes
    }
  }

  private func apply(to ids: [UUID128], _ store: Store) async throws {
    Interruption.catchSignals()
    var done = 0
    var changed = 0
    var refused = 0
    var progress = ProgressLine(past, total: ids.count, isVisible: Complaint.isTerminal && ids.count > Self.chunk)
    while done < ids.count, !Interruption.isRequested {
      let chunk = Array(ids[done..<min(done + Self.chunk, ids.count)])
      let change = change
      let refusals = try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        var refusals: [(UUID128, LetterRefusal)] = []
        for id in chunk {
          if let refusal = try change(transaction, id) { refusals.append((id, refusal)) }
        }
        return refusals
      }
      for (id, refusal) in refusals.prefix(max(Self.maxTold - refused, 0)) {
        Complaint.print("\(id): \(Self.text(refusal)); it was not \(past)")
      }
      done += chunk.count
      changed += chunk.count - refusals.count
      refused += refusals.count
      progress.update(done)
    }
    progress.finish(done)
    guard changed > 0 else { throw CommandFailure(.refused, refused > Self.maxTold ? "nothing was \(past)" : "") }
    var lines = StandardOutput()
    let rest = done < ids.count ? "; stopped, \(PlainText.grouped(ids.count - done)) not touched" : ""
    lines.line(
      "\(PlainText.grouped(changed)) \(past)" + (refused > 0 ? ", \(PlainText.grouped(refused)) refused" : "") + rest)
    lines.flush()
    if refused > 0 || done < ids.count { throw CommandFailure(.refused, "") }
  }

  static func text(_ refusal: LetterRefusal) -> String {
    switch refusal {
    case .unknownLetter: "it is gone: it has been pruned"
    case .wrongState(.replaying): "it is being replayed; wait for that, or 'reopen' it first"
    case .wrongState(let state): "it is \(state.rawValue)"
    case .sameMessageIsOpen(let other): "the same message came again, and stands open as \(other)"
    }
  }
}
