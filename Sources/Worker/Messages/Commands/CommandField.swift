import Lifecycle

/// The fields that bodies of commands have.
///
/// The numbers go into fingerprints, which stores keep for more than a year: none is ever changed or used again.
enum CommandField: UInt8, CaseIterable, Sendable {
  case serverId = 1
  case locationId = 2
  case instanceTypeId = 3
  case clientId = 4
  case contractId = 5
  case overflow = 6
  case allocationId = 7
  case reason = 8
  case subState = 9
  case baselineId = 10
  case caseId = 11
  case outcome = 12
  case name = 13
  case state = 14
  case quotaType = 15
  case since = 16
  case limit = 17
  case operationUuid = 18
  case attempt = 19
  case notAfter = 20
  case ifVersion = 21

  /// As the contract spells it.
  var text: String { "\(self)" }

  /// One more than the largest number, for tables by field.
  static let tableSize = 22

  /// The field of that name in `bytes`; `nil` when no command has it.
  static func named(_ name: JSONString, in bytes: [UInt8]) -> CommandField? {
    if name.hasEscapes {
      let plain = JSONCursor.unescaped(bytes, name)
      return plain.count <= maxLength ? packed[PackedName(plain, 0..<plain.count)] : nil
    }
    guard name.end - name.start <= maxLength else { return nil }
    let wanted = PackedName(bytes, name.start..<name.end)
    for (name, field) in table where name == wanted { return field }
    return nil
  }

  private static let maxLength = 14
  private static let table = allCases.map { (PackedName(Array($0.text.utf8), 0..<$0.text.utf8.count), $0) }
  private static let packed = Dictionary(uniqueKeysWithValues: table.map { ($0.0, $0.1) })
}

/// A short name as two words: comparing it costs two instructions. A NUL is no part of a name, so none is ambiguous.
private struct PackedName: Hashable {
  private var high: UInt64 = 0
  private var low: UInt64 = 0

  init(_ bytes: [UInt8], _ range: Range<Int>) {
    for index in range {
      high = high << 8 | low >> 56
      low = low << 8 | UInt64(bytes[index])
    }
  }
}
