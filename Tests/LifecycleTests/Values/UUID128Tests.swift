import Foundation
import Lifecycle
import Testing

@Suite("UUIDs, RFC 9562")
struct UUID128Tests {
  private static let text = "0198a2b4-5c6d-4e8f-9a0b-1c2d3e4f5061"
  private static let value = UUID128(high: 0x0198_A2B4_5C6D_4E8F, low: 0x9A0B_1C2D_3E4F_5061)

  @Test(
    "reads and prints",
    arguments: [
      (text, value),
      ("00000000-0000-0000-0000-000000000000", UUID128(high: 0, low: 0)),
      ("ffffffff-ffff-ffff-ffff-ffffffffffff", UUID128(high: .max, low: .max)),
      ("00000000-0000-0001-8000-000000000000", UUID128(high: 1, low: 1 << 63)),
    ])
  func readsAndPrints(_ text: String, _ value: UUID128) {
    #expect(UUID128(text) == value)
    #expect(value.description == text)
    #expect(UUID128(text.uppercased()) == value)
    #expect(Array(text.utf8).withUnsafeBufferPointer { UUID128(utf8: $0) } == value)
  }

  @Test("two spellings of one UUID are equal, and one Substring is as good as a String")
  func spelling() {
    #expect(UUID128("0198A2b4-5c6D-4E8f-9A0b-1C2d3e4F5061") == Self.value)
    #expect(UUID128("<\(Self.text)>".dropFirst().dropLast()) == Self.value)
    #expect(Set([UUID128(Self.text), UUID128(Self.text.uppercased())]).count == 1)
  }

  @Test(
    "refuses everything else",
    arguments: [
      "", " ", text + " ", " " + text, text + "0", String(text.dropLast()),
      "0198a2b45c6d4e8f9a0b1c2d3e4f5061", "{0198a2b4-5c6d-4e8f-9a0b-1c2d3e4f5061}",
      "urn:uuid:0198a2b4-5c6d-4e8f-9a0b-1c2d3e4f5061", "0198a2b4-5c6d-4e8f-9a0b-1c2d3e4f506g",
      "0198a2b4_5c6d_4e8f_9a0b_1c2d3e4f5061", "0198a2b45-c6d-4e8f-9a0b-1c2d3e4f5061",
      "0198a2b4-5c6d-4e8f-9a0b-1c2d3e4f506\u{0}", "0198a2b4-5c6d-4e8f-9a0b-1c2d3e4f50é",
      "----------------0198a2b45c6d4e8f9a0b", "0198a2b4-5c6d-4e8f-9a0b-1c2d3e4f50-1",
      "+198a2b4-5c6d-4e8f-9a0b-1c2d3e4f5061",
    ])
  func refuses(_ text: String) {
    #expect(UUID128(text) == nil)
    #expect(UUID128(Substring(text)) == nil)
  }

  @Test("made of random bits, it is of version 4 and variant 10, and keeps the other 122 bits")
  func versionFour() {
    for (high, low) in [(UInt64.min, UInt64.min), (.max, .max), (0xA5A5_A5A5_A5A5_A5A5, 0x5A5A_5A5A_5A5A_5A5A)] {
      let made = UUID128(randomHigh: high, randomLow: low)
      let text = Array(made.description)
      #expect(text[14] == "4")
      #expect("89ab".contains(text[19]))
      #expect((made.high ^ high) & ~0xF000 == 0)
      #expect((made.low ^ low) << 2 == 0)
    }
  }

  @Test("agrees with Foundation over random values")
  func agreesWithFoundation() throws {
    var random = SeededRandom(seed: 9562)
    for _ in 0..<2000 {
      let value = UUID128(high: random.next(), low: random.next())
      let theirs = try #require(UUID(uuidString: value.description))
      try #require(UUID128(theirs.uuidString) == value)
      try #require(theirs.uuidString.lowercased() == value.description)
    }
  }

  @Test("is ordered as its text is")
  func order() throws {
    var random = SeededRandom(seed: 1)
    for _ in 0..<2000 {
      // A few bits only, so that high words are often equal.
      let left = UUID128(high: random.next() & 1 << 63, low: random.next() & 3 << 62)
      let right = UUID128(high: random.next() & 1 << 63, low: random.next() & 3 << 62)
      try #require((left < right) == (left.description < right.description))
    }
  }
}
