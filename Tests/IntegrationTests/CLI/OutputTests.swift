import Testing
import ostler

@Suite("What is printed")
struct OutputTests {
  @Test("Text from outside cannot move the cursor, forge a line or turn the direction")
  func clean() {
    #expect(PlainText.clean("a\u{1B}[2Jb\nc\u{202E}d") == "a\u{FFFD}[2Jb\u{FFFD}c\u{FFFD}d")
    #expect(PlainText.clean("Grüße, 東京") == "Grüße, 東京")
  }

  @Test("Numbers are grouped")
  func grouped() {
    #expect(
      [0, 999, 1000, 1_234_567, -1000].map { PlainText.grouped($0) } == ["0", "999", "1,000", "1,234,567", "-1,000"])
  }

  @Test("A progress line has label, bar, count and rate")
  func progress() {
    let line = ProgressLine.line("sending", done: 500, total: 1000, elapsed: .seconds(2))
    #expect(line == "sending [############............] 500 of 1,000, 250/s")
    #expect(ProgressLine.line("sending", done: 5, total: nil, elapsed: .zero) == "sending 5, 0/s")
    #expect(ProgressLine.line("sending", done: 0, total: 0, elapsed: .zero).contains("0 of 0"))
  }

  @Test("Passwords in addresses are masked wherever they stand")
  func masked() {
    #expect(Secrets.masked("at amqp://u:p@h:1/v, amqps://u:a:b@c@h") == "at amqp://u:***@h:1/v, amqps://u:***@h")
    #expect(Secrets.masked("http://host/a@b and user@host") == "http://host/a@b and user@host")
  }
}

@Suite("Binding keys")
struct TopicPatternTests {
  @Test(
    arguments: [
      ("#", "server.allocated.allocated.18", true), ("server.#", "server", true), ("server.#", "servers.x", false),
      ("server.*.*.18", "server.allocated.allocated.18", true), ("server.*.*.18", "server.a.b.c.18", false),
      ("server.*.backToBaseline.#", "server.deallocated.backToBaseline.18", true),
      ("server.*.backToBaseline.#", "server.deallocated.backToBaseline", true), ("*", "", true), ("#.18", "18", true),
      ("a.#.b.#.c", "a.b.c", true), ("a.#.b.#.c", "a.x.b.y.z.c", true), ("a.#.b", "a.b.c", false), ("*.*", "a", false),
    ])
  func matches(pattern: String, key: String, expected: Bool) throws {
    #expect(try #require(TopicPattern(pattern)).matches(key) == expected)
  }

  @Test func bounded() { #expect(TopicPattern(String(repeating: "a", count: 256)) == nil) }
}
