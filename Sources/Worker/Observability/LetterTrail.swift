package import Logging
package import Store

/// Tells the log and the metrics what operators did to dead letters by hand. Their commands write to the store beside the
/// worker; the audit trail is where it learns of them. Replays are told of where they are published and decided.
package struct LetterTrail {
  private static let page = 1000
  /// In one round: what is left is told of in the next.
  private static let maxPages = 20

  private let store: any WorkerStore
  private let instruments: Instruments
  private let logger: Logger
  /// `nil` before the first round: what was done before this worker took over is not told again.
  private var told: AuditCursor?

  package init(store: any WorkerStore, instruments: Instruments, logger: Logger) {
    self.store = store
    self.instruments = instruments
    self.logger = logger
  }

  package mutating func follow() async throws(StoreError) {
    guard var cursor = told else {
      told = try await store.read { snapshot throws(StoreError) in try snapshot.auditEnd() }
      return
    }
    for _ in 0..<Self.maxPages {
      let (entries, end) = try await store.read { [cursor] snapshot throws(StoreError) in
        try snapshot.audit(after: cursor, limit: Self.page)
      }
      tell(of: entries)
      cursor = end
      told = end
      if entries.count < Self.page { return }
    }
  }

  private func tell(of entries: [AuditEntry]) {
    let notes = entries.compactMap { entry in LetterNote.Kind(entry.action).map { ($0, entry) } }
    for (kind, entry) in notes.prefix(LetterNote.maxLines) {
      logger.log(
        .info, "dead letter \(kind.rawValue)",
        [.deadLetter: entry.letterID, .actor: entry.who, .reason: entry.reason ?? "-"])
    }
    if notes.count > LetterNote.maxLines {
      logger.log(.info, "and more dead letters", [.count: notes.count - LetterNote.maxLines])
    }
    for kind in LetterNote.Kind.allCases {
      let count = notes.count { $0.0 == kind }
      if count > 0 { instruments.countLetters(kind, by: count) }
    }
  }
}

extension LetterNote.Kind {
  /// `nil` for a replay, which is told of as it goes.
  fileprivate init?(_ action: AuditEntry.Action) {
    switch action {
    case .replay: return nil
    case .edit: self = .edited
    case .discard: self = .discarded
    case .reopen: self = .reopened
    case .import: self = .imported
    }
  }
}
