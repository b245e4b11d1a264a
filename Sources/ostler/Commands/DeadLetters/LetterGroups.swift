import Lifecycle
import Store
import Worker

/// Dead letters, counted by what they share.
struct LetterGroups {
  let by: LetterGroup.Key
  let filter: DeadLetterFilter
  let limit: Int?

  func read(_ store: Store) async throws(StoreError) -> [LetterGroup] {
    let (by, filter, limit) = (by, filter, limit ?? .max)
    return try await store.read { (snapshot) throws(StoreError) in
      try snapshot.letterGroups(by: by, matching: filter, limit: limit)
    }
  }

  /// How many letters match.
  static func count(_ filter: DeadLetterFilter, in store: Store) async throws(StoreError) -> Int {
    try await LetterGroups(by: .code, filter: filter, limit: nil).read(store).reduce(0) { $0 + $1.count }
  }

  func print(_ store: Store, asJSON: Bool) async throws {
    let groups = try await read(store)
    if asJSON {
      var lines = StandardOutput()
      for group in groups { lines.line(utf8: json(group)) }
      lines.flush()
      return
    }
    var table = TextTable([
      .init("COUNT", isNumber: true), .init(by.rawValue.uppercased()), .init("OLDEST"), .init("NEWEST"),
    ])
    for group in groups {
      table.row([
        PlainText.grouped(group.count), group.value, group.oldest.description, group.newest.description,
      ])
    }
    table.finish()
    if groups.isEmpty { Complaint.write("no dead letters match\n") }
  }

  private func json(_ group: LetterGroup) -> [UInt8] {
    let value: Detail =
      switch by {
      case .server: group.value.flatMap { Int64($0) }.map(Detail.integer) ?? .null
      case .code, .command, .hour: group.value.map(Detail.text) ?? .null
      }
    var writer = JSONWriter()
    writer.value([
      Detail.Field(by == .server ? "serverId" : by.rawValue, value),
      Detail.Field("count", .integer(Int64(group.count))),
      Detail.Field("oldest", .text(group.oldest.description)), Detail.Field("newest", .text(group.newest.description)),
    ])
    return writer.bytes
  }
}
