import Lifecycle

/// The state table of the contract, section 3, in the contract's own spelling.
///
/// It is text on purpose: the table of the product is another one, and the tests hold the two against each other.
enum ContractTable {
  /// A command and the state of its server; `nil` where the server is not known.
  struct Cell: Hashable, CustomStringConvertible {
    let command: CommandName
    let state: StateName?
    var description: String { "\(command.rawValue) × \(state?.rawValue ?? "unknown")" }
  }

  static let text = """
    | | new | backToBaseline | available | allocated | isolated | quarantined | decommissioned | unknown |
    |---|---|---|---|---|---|---|---|---|
    | deallocate | ¹ | ¹ | ¹ | owner: → backToBaseline; else ¹ | ¹ | owner: → quarantined, allocation ended; else ¹ | ¹ | wait ✗ unknown-server |
    | compensate | ¹ | ¹ | ¹ | as deallocate | ¹ | as deallocate | ¹ | wait ✗ unknown-server |
    | isolate | → isolated | → isolated ² | → isolated | wait ✗ server-allocated | same cause and reason: =; else → isolated | ✗ server-quarantined | ✗ server-decommissioned | wait ✗ unknown-server |
    | unisolate | → backToBaseline | = | = | = | → backToBaseline | ✗ server-quarantined | ✗ server-decommissioned | wait ✗ unknown-server |
    | available | ✗ not-in-baseline | → available ² | = | ✗ not-in-baseline | ✗ not-in-baseline | ✗ server-quarantined | ✗ server-decommissioned | wait ✗ unknown-server |
    | quarantine | → quarantined | → quarantined | → quarantined | → quarantined ³ | → quarantined | same case: =; other case: → quarantined, one more hold | ✗ server-decommissioned | wait ✗ unknown-server |
    | unquarantine | = | = | = | = | = | ⁴ | ✗ server-decommissioned | wait ✗ unknown-server |
    | reclassify ⁶ | → new | → backToBaseline | ✗ server-in-service | ✗ server-in-service | → isolated | ✗ server-quarantined | ✗ server-decommissioned | wait ✗ unknown-server |
    | decommission | → | → | → | wait ✗ server-allocated | → | ✗ server-quarantined | = | wait ✗ unknown-server |
    | enroll | ⁵ | ⁵ | ⁵ | ⁵ | ⁵ | ⁵ | → the given state | → the given state |
    """

  /// The columns in the order of the page.
  static let columns: [StateName?] = header.map { $0 == "unknown" ? nil : StateName(rawValue: $0)! }
  static let header: [String] = Array(fields(of: text.split(separator: "\n")[0]).dropFirst())

  /// The commands that have a row, in the order of the page.
  static let commands: [CommandName] = rows.map(\.command)

  static let cells: [Cell: String] = {
    var cells: [Cell: String] = [:]
    for row in rows {
      for (state, text) in zip(columns, row.texts) { cells[Cell(command: row.command, state: state)] = text }
    }
    return cells
  }()

  /// The commands that the contract neither refuses nor makes wait in that state.
  static func accepted(in state: StateName?) -> Set<String> {
    Set(
      commands.filter { command in
        let text = cells[Cell(command: command, state: state)]!
        return !text.hasPrefix("✗") && !text.hasPrefix("wait")
      }.map(\.rawValue))
  }

  private struct Row {
    let command: CommandName
    let texts: [String]
  }

  /// A footnote at the name of a row holds for every cell of it that is applied.
  private static let rows: [Row] = text.split(separator: "\n").dropFirst(2).map { line in
    let all = fields(of: line)
    let title = all[0].split(separator: " ")
    let note = title.count > 1 ? " \(title[1])" : ""
    return Row(
      command: CommandName(rawValue: String(title[0]))!,
      texts: all.dropFirst().map { $0.hasPrefix("→") ? $0 + note : $0 })
  }

  private static func fields(of line: some StringProtocol) -> [String] {
    line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map { part in
      part.split(separator: " ").joined(separator: " ")
    }
  }
}
