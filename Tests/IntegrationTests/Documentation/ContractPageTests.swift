import Foundation
import Lifecycle
import Testing
import Worker

/// `docs/contract.md` is what people outside rely on: its tables and the code must say the same.
@Suite struct ContractPageTests {
  private let rows: [[String]]

  init() throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/contract.md")
    rows = try String(contentsOf: page, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| ") }.map {
      $0.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  private func plain(_ text: String) -> String { text.replacingOccurrences(of: "`", with: "") }

  @Test func everyCodeIsThereWithItsRetry() {
    let listed = rows.compactMap { row in
      RejectionCode(rawValue: plain(row[0])).flatMap { code in row.count == 2 ? (code, row[1]) : nil }
    }
    #expect(Set(listed.map(\.0)) == Set(RejectionCode.allCases))
    for (code, retry) in listed { #expect(code.retry.rawValue == retry, "\(code)") }
  }

  @Test func everySettingIsThereWithItsDefaultAndVariable() throws {
    let listed = rows.compactMap { row in SettingKey(rawValue: plain(row[0])).map { ($0, row) } }
    #expect(Set(listed.map(\.0)) == Set(SettingKey.allCases))
    for (key, row) in listed {
      try #require(row.count == 3, "\(key)")
      #expect(plain(row[2]) == key.environmentName)
      #expect(plain(row[1]) == text(of: key.defaultValue), "\(key)")
    }
  }

  private func text(of value: SettingValue) -> String {
    switch value {
    case .text(let text), .integer(let text), .decimal(let text), .boolean(let text), .variable(let text): text
    case .null, .mapping: "none"
    case .list(let list): list.isEmpty ? "none" : list.map(text).joined(separator: ",")
    }
  }

  @Test func everyCellOfTheStateTableIsThere() throws {
    for command in CommandName.allCases {
      guard let row = StateTable.row(for: command) else { continue }
      let cells = try #require(rows.first { $0.count == 9 && $0[0] == command.rawValue }, "\(command)")
      for (column, state) in (StateName.allCases.map(Optional.some) + [nil]).enumerated() {
        #expect(cells[column + 1] == word(for: row[state]), "\(command) in \(String(describing: state))")
      }
    }
  }

  private func word(for cell: StateTable.Cell) -> String {
    switch cell {
    case .apply: "→"
    case .unchanged: "="
    case .reject(let code): "✗ \(code.rawValue)"
    case .wait(let code): "wait ✗ \(code.rawValue)"
    case .release: "release"
    case .currentRun: "→ current run"
    case .cause: "→ other cause"
    case .addHold: "→ other case"
    case .releaseHold: "ends a hold"
    case .compare: "compare"
    case .ifDifferent: "→ if different"
    }
  }

  @Test func everyCommandIsThere() {
    let listed = rows.filter { $0.count == 2 }.compactMap { CommandName(rawValue: plain($0[0])) }
    #expect(listed == CommandName.allCases)
  }

  @Test func everyStateEventIsThere() throws {
    let row = try #require(rows.first { $0[0].contains("server.<event>.<state>") })
    for event in ServerEvent.allCases { #expect(row[1].contains("`\(event.rawValue)`"), "\(event)") }
  }
}
