import Foundation
import Lifecycle
import Testing
import Worker

/// Mutated bodies: the decoder must never trap, and must say the same about well-formedness as Foundation wherever
/// both hold to RFC 8259.
@Suite struct DecoderFuzzTests {
  /// SplitMix64: the same run every time for the same seed.
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      return mixed ^ mixed >> 31
    }
  }

  private static let snippets: [[UInt8]] =
    [
      "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u0000", "\\ud800", "\\udc00", "\\u0061", "null", "true", "1e9", "-",
      ".5",
      "9223372036854775808", "\"serverId\":1,", "\u{FEFF}", "é", "𝄞", " ", "\n", "{}", "[[]]", "0",
    ].map { Array($0.utf8) } + [[0], [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0x1F]]

  private static func mutate(_ seed: [UInt8], _ random: inout Generator) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = Int.random(in: 0...bytes.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
      case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...5, using: &random)))
      case 2: bytes.insert(contentsOf: snippets.randomElement(using: &random) ?? [], at: place)
      case 3:
        let end = min(bytes.count, place + Int.random(in: 0...30, using: &random))
        bytes.insert(contentsOf: Array(bytes[place..<end]), at: Int.random(in: 0...bytes.count, using: &random))
      case 4: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
      default:
        if let digit = bytes.indices.filter({ (0x30...0x39).contains(bytes[$0]) }).randomElement(using: &random) {
          bytes[digit] = UInt8.random(in: 0x2B...0x45, using: &random)
        }
      }
    }
    return bytes
  }

  @Test(arguments: 0..<5 as Range<UInt64>) func neverTrapsAndAgrees(_ seed: UInt64) {
    var random = Generator(state: 20_261_123 &+ seed)
    var accepted = 0
    var wellFormed = 0
    for round in 0..<10_000 {
      let sample = CommandSample.all[round % CommandSample.all.count]
      let body = Self.mutate(Array(sample.json().utf8), &random)
      let result = CommandDecoder.decode(Decoding.envelope(sample.command, body, messageID: "m"))
      if result.message != nil { accepted += 1 }
      let isWellFormed = result.code != .malformedJSON
      if isWellFormed { wellFormed += 1 }
      if isWellFormed == Self.foundationReads(body) { continue }
      #expect(Self.isKnownDifference(body, weAccept: isWellFormed), "\(String(decoding: body, as: UTF8.self)) \(body)")
    }
    #expect(accepted > 300, "mutations leave some bodies whole, or nothing is tested")
    #expect(wellFormed > accepted)
  }

  private static func foundationReads(_ body: [UInt8]) -> Bool {
    (try? JSONSerialization.jsonObject(with: Data(body))) is [String: Any]
  }

  /// Where we refuse what Foundation reads: a byte order mark or another encoding than UTF-8, names given twice, and
  /// lone surrogates, and a comma with nothing after it. Where Foundation refuses what we read: numbers beyond a double.
  private static func isKnownDifference(_ body: [UInt8], weAccept: Bool) -> Bool {
    if weAccept { return body.contains { $0 | 0x20 == UInt8(ascii: "e") } }
    do throws(JSONFault) {
      _ = try JSONReader.object(body)
      return false
    } catch {
      return error.duplicateName != nil || error.message.contains("surrogate")
        || error.message.contains("byte order mark") || error.message.contains("found '}'")
        || error.message.contains("found ']'") || body.contains(0)
    }
  }
}
