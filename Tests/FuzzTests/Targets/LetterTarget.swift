import AMQP
import Lifecycle
import Store

@testable import Worker

/// What `dead-letters export` writes and `import` reads: a line, or a header table by itself (an array).
///
/// What is read is written again as the same, whole, without the secret header, and can be made into the message of a
/// replay. What is not read is told in a short message.
enum LetterTarget {
  private static let maxMessageBytes = 500

  static func check(_ input: [UInt8]) throws(Violation) -> String {
    let first = input.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
    return first == UInt8(ascii: "[") ? try checkTable(input) : try checkLine(input)
  }

  private static func checkLine(_ input: [UInt8]) throws(Violation) -> String {
    let exported: ExportedLetter
    do throws(ExportedLetter.Damage) { exported = try ExportedLetter(input) } catch {
      try require(
        !error.message.isEmpty && error.message.utf8.count <= maxMessageBytes, "a complaint: \(error.message)")
      try require(!error.message.contains(CommandTarget.canary), "a value is repeated in: \(error.message)")
      return "damaged: \(error.message.prefix(40))"
    }
    let line = exported.encoded
    let again: ExportedLetter
    do throws(ExportedLetter.Damage) { again = try ExportedLetter(line) } catch {
      throw Violation("what we export is damaged: \(error.message)")
    }
    try require(again.encoded == line, "what we export reads back as something else")
    try require(again.letter == exported.letter && again.replays == exported.replays, "a letter comes back changed")
    try checkReplay(of: exported.letter)
    return "accepted"
  }

  private static func checkReplay(of letter: DeadLetter) throws(Violation) {
    let replay = Replay(
      letterID: letter.id, attempt: letter.attempts + 1, state: .asked, askedBy: "fuzz", reason: nil,
      askedAt: letter.receivedAt, endedAt: nil)
    let message: OutboundMessage
    do throws(JSONFault) { message = try ReplayMessage.make(replay, of: letter, exchange: "server.commands") } catch {
      throw Violation("an imported letter cannot be replayed: \(error.message)")
    }
    let names = (message.properties.headers?.entries ?? []).map(\.key)
    try require(names.filter { $0 == ReplayTicket.header }.count == 1, "a replay has no ticket, or two")
    try require(!names.contains(where: TypedProperties.isSecret), "a secret is in a replay's headers")
  }

  private static func checkTable(_ input: [UInt8]) throws(Violation) -> String {
    let table: FieldTable
    do throws(JSONFault) { table = try FieldTableText.decode(input) } catch {
      try require(
        !error.message.isEmpty && error.message.utf8.count <= maxMessageBytes, "a complaint: \(error.message)")
      return "no table"
    }
    let text = FieldTableText.encode(table)
    let again: FieldTable
    do throws(JSONFault) { again = try FieldTableText.decode(text) } catch {
      throw Violation("a table does not read back: \(error.message)")
    }
    try require(FieldTableText.encode(again) == text, "a table reads back as another one")
    return "table"
  }
}
