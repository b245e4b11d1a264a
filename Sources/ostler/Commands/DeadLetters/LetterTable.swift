import Lifecycle
import Store
import Worker

/// Dead letters as a table: on a narrow terminal what tells one from the other, elsewhere more.
struct LetterTable: ~Copyable {
  private static let wideColumns = 120

  private let isCut = StandardOutput.isTerminal
  private let isNarrow: Bool
  private let now = Timestamp.now
  private var table: TextTable

  init() {
    isNarrow = (Terminal.width ?? .max) < Self.wideColumns
    let who: [TextTable.Column] = [
      .init("COMMAND"), .init("SERVER", isNumber: true), .init("CLIENT", isNumber: true), .init("CODE"),
    ]
    if isNarrow {
      table = TextTable(
        [.init("ID", isWhole: true), .init("AGE", isNumber: true), .init("STATE")] + who + [.init("MESSAGE")])
    } else {
      table = TextTable(
        [.init("ID", isWhole: true), .init("STATE"), .init("RECEIVED")] + who
          + [.init("COUNT", isNumber: true), .init("REPLAYS", isNumber: true), .init("MESSAGE")])
    }
  }

  mutating func row(_ letter: DeadLetter) {
    let id = isCut ? letter.id.short : letter.id.description
    let who = [
      letter.command, letter.serverID?.description, letter.clientID?.description, letter.code.rawValue,
    ]
    if isNarrow {
      table.row(
        [id, AgeText.write(from: letter.receivedAt, to: now), letter.state.rawValue] + who + [letter.message])
    } else {
      table.row(
        [id, letter.state.rawValue, letter.receivedAt.description] + who
          + [String(letter.count), String(letter.attempts), letter.message])
    }
  }

  /// - Returns: how many rows there were.
  mutating func finish() -> Int {
    table.finish()
    return table.rowCount
  }
}

/// How long ago something was, in its largest unit: `45s`, `12m`, `3h`, `20d`.
enum AgeText {
  static func write(from moment: Timestamp, to now: Timestamp) -> String {
    let seconds = max(now.milliseconds - moment.milliseconds, 0) / 1000
    return switch seconds {
    case ..<120: "\(seconds)s"
    case ..<7200: "\(seconds / 60)m"
    case ..<172_800: "\(seconds / 3600)h"
    default: "\(seconds / 86_400)d"
    }
  }
}
