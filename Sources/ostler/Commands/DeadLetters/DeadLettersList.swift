import ArgumentParser
import Lifecycle
import Store
import Worker

extension LetterGroup.Key: ExpressibleByArgument {}

/// `ostler dead-letters list`.
struct DeadLettersList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List dead letters, oldest first, or count them in groups.",
    discussion: """
      Without --state those that somebody has to look at: open and replaying. All filters must match. With --json each line \
      is a whole letter, its body in base64, and all that match are printed; so are they where the output is no terminal. \
      On a terminal it is a page at a time; --after goes on after the last one.

        ostler dl list
        ostler dl list --by server --code server-allocated
        ostler dl list --older-than 1d --command allocate
        ostler dl list --state answered --state resolved --server 4711
        ostler dl list --json | jq -r .bodyBase64 | head -1 | base64 -d
      """
  )

  @OptionGroup var selection: DeadLetterSelection

  @Option(help: "Count in groups instead: by code, command, server or hour.")
  var by: LetterGroup.Key?

  @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
  var limit: Int?

  @Option(help: ArgumentHelp("Go on after this letter.", valueName: "id"))
  var after: LetterReference?

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  /// Lines of a page on a terminal where --limit says nothing.
  private static let pageLines = 50

  func validate() throws {
    guard limit.map({ $0 >= 1 }) ?? true else { throw ValidationError("--limit is at least 1") }
    guard by == nil || after == nil else { throw ValidationError("--by and --after exclude each other") }
  }

  func run() async throws {
    try await selection.read(common) { store in
      if let by {
        try await LetterGroups(by: by, filter: selection.filter(), limit: limit).print(store, asJSON: output.json)
      } else if output.json {
        try await printJSON(store)
      } else {
        try await printTable(store)
      }
    }
  }

  private func printJSON(_ store: Store) async throws {
    var lines = StandardOutput()
    _ = try await forEachLetter(in: store, limit: limit) { lines.line(utf8: DeadLetterDocument.encode($0)) }
    lines.flush()
  }

  private func printTable(_ store: Store) async throws {
    var table = LetterTable()
    let limit = limit ?? (StandardOutput.isTerminal ? Self.pageLines : nil)
    let last = try await forEachLetter(in: store, limit: limit) { table.row($0) }
    let count = table.finish()
    if count == 0 {
      Complaint.write("no dead letters match\n")
    } else if let last {
      let all = try await LetterGroups.count(selection.filter(), in: store)
      Complaint.write(
        "\(PlainText.grouped(count)) of \(PlainText.grouped(all)); the next page: add --after \(last.short)\n")
    }
  }

  /// - Returns: the last letter, where there are more after it.
  private func forEachLetter(
    in store: Store, limit: Int?, _ body: (DeadLetter) -> Void
  ) async throws -> UUID128? {
    var rest = limit ?? .max
    let filter = selection.filter()
    var cursor: DeadLetterCursor?
    if let after {
      let id = try await after.resolve(in: store)
      cursor = try await store.read { (snapshot) throws(StoreError) in try snapshot.cursor(after: id) }
    }
    repeat {
      let start = cursor
      let count = min(rest, 200)
      let page = try await store.read { (snapshot) throws(StoreError) in
        try snapshot.letters(matching: filter, after: start, limit: count)
      }
      for letter in page.letters { body(letter) }
      rest -= page.letters.count
      cursor = page.next
      if rest == 0, let cursor, let last = page.letters.last?.id {
        let hasMore = try await store.read { (snapshot) throws(StoreError) in
          try !snapshot.letters(matching: filter, after: cursor, limit: 1).letters.isEmpty
        }
        return hasMore ? last : nil
      }
    } while cursor != nil && rest > 0
    return nil
  }
}
