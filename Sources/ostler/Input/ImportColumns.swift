import Lifecycle

/// What the columns of an import may be: the fields of the command that each row becomes, under their names.
struct ImportColumns {
  enum Kind {
    case integer
    case text
    /// A whole number, or the word `null`.
    case integerOrNull
  }

  let command: CommandName
  let columns: [(name: String, kind: Kind)]

  static let servers = ImportColumns(
    command: .enroll,
    columns: [
      ("serverId", .integer), ("locationId", .integer), ("instanceTypeId", .integer), ("name", .text),
      ("state", .text), ("subState", .text), ("reason", .text), ("clientId", .integer), ("contractId", .text),
      ("quotaType", .text), ("since", .text),
    ])

  static let quotas = ImportColumns(
    command: .setQuota,
    columns: [
      ("clientId", .integer), ("contractId", .text), ("locationId", .integer), ("instanceTypeId", .integer),
      ("limit", .integerOrNull),
    ])

  var names: [String] { columns.map(\.name) }

  /// The field that a cell becomes; `nil` for an empty cell, which is a field that is not there.
  func field(_ name: String, cell: String, line: Int) throws(BadLine) -> Detail.Field? {
    guard let kind = columns.first(where: { $0.name == name })?.kind else {
      preconditionFailure("the header has known columns only")
    }
    if cell.isEmpty { return nil }
    switch kind {
    case .text: return Detail.Field(name, .text(cell))
    case .integerOrNull where cell == "null": return Detail.Field(name, .null)
    case .integer, .integerOrNull:
      guard let number = Int64(cell), cell.first != "+" else {
        let shown = PlainText.clean(PlainText.cut(cell, to: 40))
        throw BadLine(line: line, message: "\(name): '\(shown)' is not a whole number")
      }
      return Detail.Field(name, .integer(number))
    }
  }
}
