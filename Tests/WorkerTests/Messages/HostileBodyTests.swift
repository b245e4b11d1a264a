import Lifecycle
import Testing
import Worker

/// Bodies that are meant to hurt. Each must come out as a refusal, for every command.
@Suite struct HostileBodyTests {
  private static let large: [(String, [UInt8])] = [
    ("deep arrays", Array(repeating: UInt8(ascii: "["), count: 65_000)),
    ("deep objects", Array(String(repeating: "{\"a\":", count: 13_000).utf8)),
    ("deep in a field", Array("{\"serverId\":".utf8) + Array(repeating: UInt8(ascii: "["), count: 65_000)),
    ("huge number", Array("{\"serverId\":1\(String(repeating: "0", count: 60_000))}".utf8)),
    ("huge exponent", Array("{\"serverId\":1e\(String(repeating: "9", count: 60_000))}".utf8)),
    ("huge name", Array("{\"\(String(repeating: "n", count: 60_000))\":1}".utf8)),
    ("huge text", Array("{\"serverId\":\"\(String(repeating: "x", count: 60_000))\"}".utf8)),
    ("escapes", Array("{\"serverId\":\"\(String(repeating: "\\u0000", count: 10_000))\"}".utf8)),
    ("many names", Array("{\((0..<5000).map { "\"\($0)\":0" }.joined(separator: ","))}".utf8)),
    ("one name often", Array("{\((0..<5000).map { _ in "\"a\":0" }.joined(separator: ","))}".utf8)),
    ("NULs", [UInt8](repeating: 0, count: 65_536)), ("0xFF", [UInt8](repeating: 0xFF, count: 65_536)),
    ("quotation marks", [UInt8](repeating: UInt8(ascii: "\""), count: 65_536)),
    ("backslashes", Array("{\"".utf8) + [UInt8](repeating: UInt8(ascii: "\\"), count: 65_000)),
    ("white space", [UInt8](repeating: UInt8(ascii: " "), count: 65_536)),
  ]

  @Test(arguments: CommandName.allCases) func areRefused(_ command: CommandName) {
    for bytes in JSONReaderTests.notJSON {
      let rejection = CommandDecoder.decode(Decoding.envelope(command, bytes)).refusal?.rejection
      #expect(rejection?.code == .malformedJSON, "\(String(decoding: bytes.prefix(60), as: UTF8.self))")
      #expect(rejection?.path != nil && rejection?.kind != nil && rejection?.detail("allowed") != nil)
      #expect(rejection?.detail("offset") != nil)
    }
    for (what, bytes) in Self.large {
      let refusal = CommandDecoder.decode(Decoding.envelope(command, bytes)).refusal
      #expect(refusal != nil, "\(what)")
      #expect(refusal.map { $0.rejection.message.utf8.count < 1000 } == true, "\(what)")
    }
  }

  @Test(arguments: ["[]", "1", "\"x\"", "null", "true", "[{}]"]) func notAnObject(_ json: String) {
    let rejection = Decoding.decode(.unisolate, json).refusal?.rejection
    #expect(rejection?.code == .malformedJSON)
    #expect(rejection?.path == .text("body"))
  }

  @Test func valuesAreNotRepeated() {
    let secret = "hunter2hunter2"
    for json in [
      #"{"serverId":"\#(secret)"}"#, #"{"serverId":{"x":"\#(secret)"}}"#, #"{"serverId":1,"x":"\#(secret)"}"#,
      #"{"serverId":1 "\#(secret)"}"#, #"{"serverId":1,"notAfter":"\#(secret)"}"#,
      #"{"serverId":1,"operationUuid":"\#(secret)"}"#,
    ] {
      let refusal = Decoding.decode(.unisolate, json).refusal
      #expect(refusal != nil)
      #expect(!"\(String(describing: refusal))".contains(secret), "\(json)")
    }
  }
}
