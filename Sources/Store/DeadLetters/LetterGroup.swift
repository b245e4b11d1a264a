package import Lifecycle

/// Letters that share something, counted: 5,000 letters with one cause are one problem.
package struct LetterGroup: Hashable, Sendable {
  package enum Key: String, CaseIterable, Hashable, Sendable {
    case code, command, server, hour
  }
  /// What they share; `nil` where they have none (no server, say). An hour is written `2026-11-23T16`.
  package let value: String?
  package let count: Int
  package let oldest: Timestamp
  package let newest: Timestamp
}

extension Snapshot {
  /// The letters that match, grouped, the largest group first.
  package func letterGroups(
    by key: LetterGroup.Key, matching filter: DeadLetterFilter, limit: Int
  ) throws(StoreError) -> [LetterGroup] {
    var run = try connection.prepare(Statements.groups(key))
    run.bind(0)
    filter.bind(to: &run)
    run.bind(limit)
    var groups: [LetterGroup] = []
    while try run.step() {
      groups.append(
        LetterGroup(
          value: run.optionalText(0), count: Int(run.integer(1)), oldest: run.moment(2), newest: run.moment(3)))
    }
    return groups
  }

  /// Ids that begin with these digits (without dashes, lower case), at most `limit`: a person types the first few.
  package func letterIDs(beginningWith digits: String, limit: Int) throws(StoreError) -> [UUID128] {
    var run = try connection.prepare(Statements.prefix)
    run.bind(digits.lowercased().filter { $0 != "-" })
    run.bind(limit)
    var ids: [UUID128] = []
    while try run.step() { ids.append(try run.uuid(0)) }
    return ids
  }
}

private enum Statements {
  static func groups(_ key: LetterGroup.Key) -> SQLText {
    switch key {
    case .code: byCode
    case .command: byCommand
    case .server: byServer
    case .hour: byHour
    }
  }

  private static let byCode = grouped("code")
  private static let byCommand = grouped("command")
  private static let byServer = grouped("CAST(server_id AS TEXT)")
  private static let byHour = grouped("strftime('%Y-%m-%dT%H', received_at / 1000, 'unixepoch')")

  private static func grouped(_ expression: String) -> SQLText {
    SQLText(
      """
      SELECT \(expression) AS what, count(*) AS letters, min(received_at), max(received_at) FROM dead_letters
      WHERE \(DeadLetterFilter.condition) GROUP BY what ORDER BY letters DESC, what LIMIT ?16
      """)
  }

  static let prefix = SQLText(
    "SELECT id FROM dead_letters WHERE substr(lower(hex(id)), 1, length(?1)) = ?1 LIMIT ?2")
}
