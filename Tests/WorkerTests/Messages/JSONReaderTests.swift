import Foundation
import Lifecycle
import Testing
import Worker

@Suite struct JSONReaderTests {
  /// Documents that are not JSON, or leave doubt about what they say.
  static let notJSON: [[UInt8]] =
    [
      "", " ", "{", "}", "{}}", "{} {}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}", "{\"a\" 1}",
      "{\"a\":1 \"b\":2}", "{\"a\":01}", "{\"a\":-}", "{\"a\":+1}", "{\"a\":.5}", "{\"a\":1.}", "{\"a\":1e}",
      "{\"a\":1e+}", "{\"a\":0x1}", "{\"a\":NaN}", "{\"a\":Infinity}", "{\"a\":nul}", "{\"a\":True}", "{\"a\":tru",
      "{\"a\":[}", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":[1}", "{\"a\":\"", "{\"a\":\"\\\"}", "{\"a\":\"\\x\"}",
      "{\"a\":\"\\u12\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\ud800x\"}",
      "{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\\udc00\\ud800\"}", "{\"a\":\"\\ud800\\ud800\"}",
      "{\"a\":\"\\ud834\\udd1", "{\"a\":\"\n\"}", "{\"a\":\"\t\"}", "{\"a\":\"\u{0}\"}", "{\"a\":\"\u{1F}\"}",
      "{\u{0}}", "{}\u{0}", "\u{FEFF}{}", "{}\u{FEFF}", "{\u{A0}}", "{\"a\":1}//", "/**/{}", "{\"a\":1,\"a\":1}",
      "{\"a\":1,\"\\u0061\":1}", "{\"\":1,\"\":2}", "{\"x\":{\"a\":1,\"a\":2}}", "{\"x\":[{\"a\":1,\"\\u0061\":2}]}",
    ].map { Array($0.utf8) } + broken.map { Array("{\"a\":\"".utf8) + $0 + Array("\"}".utf8) }
    + broken.map { Array("{\"".utf8) + $0 + Array("\":1}".utf8) } + [
      [0xFF, 0xFE, 0x7B, 0, 0x7D, 0], [0x7B, 0, 0x7D, 0],
    ]

  /// Bytes that are no UTF-8 (RFC 3629 section 3 and 4).
  private static let broken: [[UInt8]] = [
    [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x20], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
    [0xE1, 0x80], [0xE1, 0x80, 0x20], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80],
    [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    [0xF1, 0x80, 0x80, 0xC0],
  ]

  @Test(arguments: notJSON) func malformed(_ bytes: [UInt8]) {
    #expect(throws: JSONFault.self) { try JSONReader.object(bytes) }
    #expect(throws: JSONFault.self) { try JSONReader.document(bytes) }
  }

  @Test(arguments: ["[]", "1", "\"x\"", "null", "true", "[{\"a\":1}]", "1.5"]) func notAnObject(_ json: String) throws {
    let fault = try #require(throws: JSONFault.self) { try JSONReader.object(Array(json.utf8)) }
    #expect(fault.documentKind != nil)
    #expect(fault.message.contains("expected a JSON object"))
  }

  @Test func everyEndIsTooEarly() {
    let whole = Array(#" { "a" : [ -1.5e+3 , { "b" : "\ud834\udd1e\n" } , null, true, false ] } "#.utf8)
    #expect(throws: Never.self) { try JSONReader.object(whole) }
    for length in 0..<whole.count - 1 {
      #expect(throws: JSONFault.self) { try JSONReader.object(Array(whole[..<length])) }
    }
  }

  @Test func numbers() throws {
    let expected: [(String, JSONValue)] = [
      ("0", .integer(0)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
      ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number), ("-9223372036854775809", .number),
      ("1.0", .number), ("1e0", .number), ("0.0", .number), ("1E+2", .number), ("1e400", .number),
      (String(repeating: "9", count: 5000), .number),
    ]
    for (json, value) in expected {
      #expect(try JSONReader.object(Array("{\"a\":\(json)}".utf8)).fields.first?.value == value, "\(json.prefix(30))")
    }
  }

  @Test func depth() {
    func nested(_ depth: Int) -> [UInt8] {
      Array("{\"a\":".utf8) + Array(repeating: UInt8(ascii: "["), count: depth)
        + Array(repeating: UInt8(ascii: "]"), count: depth) + Array("}".utf8)
    }
    #expect(throws: Never.self) { try JSONReader.object(nested(JSONReader.maxDepth - 1)) }
    for depth in [JSONReader.maxDepth, 30_000, 5_000_000] {
      #expect(throws: JSONFault.self) { try JSONReader.object(nested(depth)) }
    }
    let objects = Array(String(repeating: "{\"a\":", count: 100_000).utf8)
    #expect(throws: JSONFault.self) { try JSONReader.object(objects) }
    #expect(throws: JSONFault.self) { try JSONReader.document(Array(repeating: UInt8(ascii: "["), count: 1_000_000)) }
  }

  @Test func manyNames() throws {
    let names = (0..<5000).map { "\"k\($0)\":\($0)" }
    #expect(try JSONReader.object(Array("{\(names.joined(separator: ","))}".utf8)).fields.count == 5000)
    for twice in ["\"k0\":1", "\"k4999\":1", "\"\\u006b17\":1"] {
      let fault = #expect(throws: JSONFault.self) {
        try JSONReader.object(Array("{\((names + [twice]).joined(separator: ","))}".utf8))
      }
      #expect(fault?.duplicateName?.hasPrefix("k") == true)
    }
  }

  @Test func faultsSayWhereAndWhat() throws {
    let cases: [(String, Int, String)] = [
      ("{\"a\":1,}", 7, "expected the name of a field, in quotation marks, found '}'"),
      ("{\"a\" 1}", 5, "expected a colon after the name of a field, found a digit"),
      ("\u{FEFF}{}", 0, "found a byte order mark"), ("{\"a\":\"\u{0}\"}", 6, "found a NUL byte"),
      ("", 0, "the end of the bytes"),
    ]
    for (json, offset, text) in cases {
      let fault = try #require(throws: JSONFault.self) { try JSONReader.object(Array(json.utf8)) }
      #expect(fault.offset == offset)
      #expect(fault.message.contains(text), "\(fault.message)")
      #expect(fault.code == "malformed-json")
    }
  }

  @Test func documents() throws {
    let json = #"{"b":[1,null,true,"x\u0041",{}],"a":{"c":-7}}"#
    #expect(
      try JSONReader.document(Array(json.utf8))
        == .fields([
          .init("b", .list([.integer(1), .null, .boolean(true), .text("xA"), .fields([])])),
          .init("a", .fields([.init("c", .integer(-7))])),
        ]))
    #expect(throws: JSONFault.self) { try JSONReader.document(Array("[1.5]".utf8)) }
  }
}
