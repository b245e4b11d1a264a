import Lifecycle
import Store
import Worker

/// Which letters are to be replayed, in which order, and which are left out and why.
struct ReplayPlan {
  /// Why a letter that was meant is not replayed.
  enum LeftOut: Hashable {
    /// Only of a filter.
    case allocateWithoutNotAfter
    case refused(ReplayRequest.Refusal)

    /// In words, to go on after a count.
    var text: String {
      switch self {
      case .allocateWithoutNotAfter:
        "allocate without notAfter: nobody may be waiting for that server any more; --include-allocate takes them in"
      case .refused(let refusal): refusal.text
      }
    }
  }

  private(set) var ids: [UUID128] = []
  private(set) var leftOut: [LeftOut: Int] = [:]
  /// Chosen by a filter.
  private(set) var isBulk = false
  private let limit: Int?
  private let maxFailures: Int?
  private let includesAllocate: Bool
  /// A dry run tells of every letter that is meant, also of those that can never be replayed.
  private let isDryRun: Bool

  init(limit: Int?, maxFailures: Int?, includesAllocate: Bool, isDryRun: Bool) {
    self.limit = limit
    self.maxFailures = maxFailures
    self.includesAllocate = includesAllocate
    self.isDryRun = isDryRun
  }

  /// Letters that were named and cannot be replayed. What a filter leaves out is told, and is no failure.
  var hasRefused: Bool { !isBulk && !leftOut.isEmpty }

  /// Those that match, oldest first.
  mutating func select(_ selection: DeadLetterSelection, in store: Store) async throws {
    isBulk = true
    var found: [(receivedAt: Timestamp, id: UUID128)] = []
    let filter = selection.filter(otherwise: [.open])
    var cursor: DeadLetterCursor?
    repeat {
      let after = cursor
      let (page, reasons) = try await store.read { [self] (snapshot) throws(StoreError) in
        let page = try snapshot.letters(matching: filter, after: after, limit: 500)
        var reasons: [LeftOut?] = []
        for letter in page.letters { reasons.append(try reason(against: letter, snapshot)) }
        return (page, reasons)
      }
      for (letter, reason) in zip(page.letters, reasons) {
        if let reason { leftOut[reason, default: 0] += 1 } else { found.append((letter.receivedAt, letter.id)) }
      }
      cursor = page.next
    } while cursor != nil
    // Imported letters have come later than letters that are younger. The sort is stable.
    found.sort { $0.receivedAt < $1.receivedAt }
    ids = found.prefix(limit ?? .max).map(\.id)
  }

  private func reason(against letter: DeadLetter, _ snapshot: Snapshot) throws(StoreError) -> LeftOut? {
    if let refusal = try snapshot.replayRefusal(of: letter, maxFailures: maxFailures) {
      return isDryRun && refusal.isOfTheLetter ? nil : .refused(refusal)
    }
    if isBulk, !includesAllocate, letter.command == CommandName.allocate.rawValue, !letter.hasNotAfter {
      return .allocateWithoutNotAfter
    }
    return nil
  }

  /// Those that were named, in that order.
  mutating func name(_ named: [UUID128], in store: Store) async throws {
    for id in named {
      let why = try await store.read { [self] (snapshot) throws(StoreError) -> LeftOut? in
        guard let letter = try snapshot.letter(id) else { return .refused(.unknownLetter) }
        return try reason(against: letter, snapshot)
      }
      if let why {
        leftOut[why, default: 0] += 1
        Complaint.print("\(id): \(why.text); it is not replayed")
      } else if ids.count < limit ?? .max {
        ids.append(id)
      }
    }
  }

  /// Says what a filter leaves out, and why, before anything happens.
  func tellLeftOut() {
    guard isBulk else { return }
    for (reason, count) in leftOut.sorted(by: { ($1.value, $0.key.text) < ($0.value, $1.key.text) }) {
      Complaint.print("left out: \(PlainText.grouped(count)), \(reason.text)")
    }
  }
}

extension ReplayRequest.Refusal {
  /// It is because of what the letter is, not of the state it is in.
  var isOfTheLetter: Bool {
    switch self {
    case .bodyIncomplete, .noCommand, .failedTooOften: true
    case .unknownLetter, .notOpen: false
    }
  }
}

extension DeadLetter {
  /// Whether its sender said until when it is wanted.
  var hasNotAfter: Bool {
    guard let object = try? JSONReader.object(body) else { return false }
    return object.fields.contains { object.text($0.name) == "notAfter" && $0.value != .null }
  }
}
