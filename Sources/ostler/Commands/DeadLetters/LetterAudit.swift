import ArgumentParser
import Lifecycle
import Store
import Worker

/// `ostler dead-letters audit`.
struct LetterAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Who replayed, edited, discarded, reopened or imported what, when, why, with what result.",
    discussion: """
      Oldest first. Of one letter also when that letter is long gone; then its whole ID is needed.

        ostler dl audit --since 12h
        ostler dl audit 1f0c9a7e --json
      """
  )

  @Argument(help: ArgumentHelp("Only of this letter.", valueName: "id"))
  var id: LetterReference?

  @Option(help: ArgumentHelp("Only since then: RFC 3339 time, or a duration back from now.", valueName: "time"))
  var since: MomentArgument?

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func run() async throws {
    try await StoreAccess.read(common) { store in
      let letter = try await id.asyncMap { reference in
        if let whole = UUID128(reference.text) { whole } else { try await reference.resolve(in: store) }
      }
      if output.json {
        var lines = StandardOutput()
        try await store.forEachAuditEntry(of: letter, since: since?.moment) {
          lines.line(utf8: AuditDocument.encode($0))
        }
        lines.flush()
        return
      }
      var table = AuditTable()
      try await store.forEachAuditEntry(of: letter, since: since?.moment) { table.row($0) }
      if table.finish() == 0 { Complaint.write("nothing was done\n") }
    }
  }
}

extension Optional where Wrapped: Sendable {
  fileprivate func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
    if let self { try await transform(self) } else { nil }
  }
}

extension Store {
  /// The audit trail, oldest first, in pages.
  func forEachAuditEntry(
    of letter: UUID128?, since moment: Timestamp? = nil, _ body: (AuditEntry) -> Void
  ) async throws(StoreError) {
    let limit = 500
    var cursor: AuditCursor?
    while true {
      let after = cursor
      let page = try await read { (snapshot) throws(StoreError) in
        try snapshot.audit(of: letter, since: moment, after: after, limit: limit)
      }
      for entry in page.entries { body(entry) }
      guard page.entries.count == limit else { return }
      cursor = page.end
    }
  }
}

/// The audit trail as a table.
struct AuditTable: ~Copyable {
  private var table = TextTable([
    .init("TIME"), .init("WHO"), .init("ACTION"), .init("LETTER", isWhole: true), .init("ATTEMPT", isNumber: true),
    .init("RESULT"),
    .init("REASON"), .init("LINKED TO", isWhole: true),
  ])

  mutating func row(_ entry: AuditEntry) {
    table.row([
      entry.at.description, entry.who, entry.action.rawValue, entry.letterID.short, entry.attempt.map { String($0) },
      entry.result ?? (entry.action == .replay ? "under way" : "done"), entry.reason, entry.linkedLetter?.short,
    ])
  }

  /// - Returns: how many rows there were.
  mutating func finish() -> Int {
    table.finish()
    return table.rowCount
  }
}

/// An entry of the audit trail as one JSON object.
enum AuditDocument {
  static func encode(_ entry: AuditEntry) -> [UInt8] {
    var writer = JSONWriter()
    writer.value(fields(entry))
    return writer.bytes
  }

  static func fields(_ entry: AuditEntry) -> [Detail.Field] {
    var fields = [
      Detail.Field("time", .text(entry.at.description)), Detail.Field("who", .text(entry.who)),
      Detail.Field("action", .text(entry.action.rawValue)), Detail.Field("id", .text(entry.letterID.description)),
    ]
    fields.add("attempt", entry.attempt.map { Int64($0) })
    fields.add("linkedLetter", entry.linkedLetter?.description)
    fields.add("reason", entry.reason)
    fields.add("result", entry.result)
    return fields
  }
}
