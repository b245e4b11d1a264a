/// Content headers made byte by byte, not by our encoder. The flags are those of AMQP 0-9-1, section 4.2.6.1 of its
/// specification of the basic class: bit 15 is the content type, 13 the headers, and so on down to the cluster id.
enum HeaderSeeds {
  private static let headersFlag: UInt16 = 1 << 13

  static var all: [Seed] {
    plain + types + nested + counted + broken
  }

  private static var plain: [Seed] {
    let allFlags: UInt16 = 0xFFFC
    func every(_ text: [UInt8]) -> [UInt8] {
      big(allFlags) + text + text + table([]) + [2, 9] + text + text + text + text + big(UInt64.max) + text + text
        + text
        + text
    }
    return [
      Seed(name: "no property", input: big(UInt16(0)), outcome: "whole"),
      Seed(name: "every property", input: every(short("application/json")), outcome: "whole"),
      Seed(
        name: "every property as long as can be", input: every(short(String(repeating: "x", count: 255))),
        outcome: "whole"),
      Seed(name: "every property empty", input: every([0]), outcome: "whole"),
      Seed(name: "properties that are no text", input: every([3, 0xFF, 0xC0, 0x80]), outcome: "whole"),
      Seed(
        name: "a property that grows in the repair", input: every([255] + [UInt8](repeating: 0xFF, count: 255)),
        outcome: "whole"),
    ]
  }

  private static let values: [(Character, [UInt8])] = [
    ("t", [1]), ("t", [2]), ("b", [0x80]), ("B", [255]), ("s", [0x80, 0]), ("u", [255, 255]), ("I", [0x80, 0, 0, 0]),
    ("i", [255, 255, 255, 255]), ("l", big(UInt64(1) << 63)), ("L", big(UInt64.max)), ("f", big(Float(1.5).bitPattern)),
    ("f", big(UInt32(0x7FA0_0001))), ("f", big(Float.infinity.bitPattern)), ("d", big((-0.0).bitPattern)),
    ("d", big(UInt64(0x7FF8_0000_0000_0BAD))), ("d", big(UInt64(1))), ("D", [255] + big(UInt32.max)),
    ("S", long([])), ("S", long(Array("text".utf8))), ("S", long([0xFF, 0, 0xFE])), ("x", long([0, 1, 255])),
    ("T", big(UInt64.max)), ("A", long([])), ("F", table([])), ("V", []),
  ]

  private static var types: [Seed] {
    let all = values.map { field("k", $0.0, $0.1) }
    let secrets = ["x-api-key", "X-API-Key"].map { field($0, "S", long(Array("hunter2-canary".utf8))) }
    return values.map {
      Seed(name: "type \($0.0) \($0.1.prefix(4))", input: headers([field("k", $0.0, $0.1)]), outcome: "whole")
    } + [
      Seed(name: "every type, under one name", input: headers(all), outcome: "whole"),
      Seed(
        name: "every type in an array", input: headers([field("a", "A", long(values.flatMap { type($0.0) + $0.1 }))]),
        outcome: "whole"),
      Seed(name: "every type in a table", input: headers([field("t", "F", table(all))]), outcome: "whole"),
      Seed(name: "secrets", input: headers(secrets + all), outcome: "whole"),
      Seed(name: "no name", input: headers([field("", "t", [1])]), outcome: "whole"),
      Seed(
        name: "a name that is no text", input: headers([[2, 0xFF, 0xFE] + type("V")]), outcome: "whole"),
      Seed(
        name: "a name that grows in the repair",
        input: headers([[255] + [UInt8](repeating: 0xFF, count: 255) + type("V")]), outcome: "whole"),
      Seed(
        name: "what the broker adds",
        input: headers([
          field(
            "x-death", "A",
            long(
              type("F")
                + table([
                  field("count", "l", big(UInt64(3))), field("reason", "S", long(Array("rejected".utf8))),
                  field("queue", "S", long(Array("server.commands.isolate".utf8))),
                  field("time", "T", big(UInt64(1_800_000_000))),
                  field("exchange", "S", long(Array("server.commands".utf8))),
                  field("routing-keys", "A", long(type("S") + long(Array("isolate".utf8)))),
                ]))),
          field("x-delivery-count", "l", big(UInt64(7))), field("CC", "A", long(type("S") + long(Array("cc".utf8)))),
          field("x-ostler-replay", "S", long(Array("0191d6e2-7b1a-7c3e-9f40-0123456789ab/1".utf8))),
          field("traceparent", "S", long(Array("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".utf8))),
        ]), outcome: "whole"),
    ]
  }

  private static var nested: [Seed] {
    [(64, "whole"), (65, "cut"), (1000, "cut"), (21_800, "cut")].map { depth, outcome in
      Seed(name: "\(depth) tables in one another", input: headers([], inside: depth - 1), outcome: outcome)
    }
      + [(63, "whole"), (64, "cut"), (20_000, "cut")].map { depth, outcome in
        // Five bytes a level: the type and the length.
        let array = (0..<depth).reversed().flatMap { type("A") + big(UInt32(5 * $0)) }
        return Seed(name: "\(depth) arrays in one another", input: headers([[1, 0x61] + array]), outcome: outcome)
      }
  }

  private static var counted: [Seed] {
    [(16_384, "whole"), (16_385, "cut"), (65_000, "cut")].map { count, outcome in
      Seed(
        name: "\(count) values", input: headers([[UInt8]](repeating: [0] + type("V"), count: count)), outcome: outcome)
    } + [
      Seed(
        name: "a table of 131,047 bytes",
        input: headers([field("k", "S", long([UInt8](repeating: 0x7A, count: 131_047 - 7)))]), outcome: "whole"),
      Seed(
        name: "values in the second array are cut",
        input: headers(
          [UInt8](repeating: 0, count: 2).map { _ in
            field("a", "A", long([UInt8](repeating: UInt8(ascii: "V"), count: 16_000)))
          }), outcome: "cut"),
    ]
  }

  /// What librabbitmq gives the connection up over, or must not read beyond.
  private static var broken: [Seed] {
    let whole = headers([field("k", "S", long(Array("text".utf8)))])
    return (0..<whole.count).map {
      Seed(name: "cut off after \($0) bytes", input: Array(whole.prefix($0)), outcome: "no header")
    } + [
      Seed(name: "a type that nobody knows", input: headers([field("k", "Z", [])]), outcome: "no header"),
      Seed(
        name: "a string longer than the frame", input: headers([field("k", "S", big(UInt32.max))]), outcome: "no header"
      ),
      Seed(
        name: "a table longer than the frame", input: big(headersFlag) + big(UInt32.max) + [0, 0], outcome: "no header"),
      Seed(
        name: "an array longer than its table", input: headers([field("k", "A", big(UInt32(1000)))]),
        outcome: "no header"),
      Seed(name: "flags that go on", input: big(UInt16(0x8001)) + big(UInt16(0)) + short("text/plain"), outcome: nil),
      Seed(name: "flags that never end", input: [UInt8](repeating: 0xFF, count: 64), outcome: nil),
    ]
  }

  // MARK: Bytes

  private static func headers(_ fields: [[UInt8]]) -> [UInt8] { big(headersFlag) + table(fields) }

  /// Nested so often: each level is a key without a name, the type and the length, six bytes.
  private static func headers(_ fields: [[UInt8]], inside depth: Int) -> [UInt8] {
    big(headersFlag) + big(UInt32(6 * depth)) + (0..<depth).reversed().flatMap { [0] + type("F") + big(UInt32(6 * $0)) }
  }

  private static func table(_ fields: [[UInt8]]) -> [UInt8] { long(fields.flatMap { $0 }) }
  private static func field(_ name: String, _ letter: Character, _ value: [UInt8]) -> [UInt8] {
    short(name) + type(letter) + value
  }
  private static func type(_ letter: Character) -> [UInt8] { [letter.asciiValue ?? 0] }
  private static func short(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
  private static func long(_ bytes: [UInt8]) -> [UInt8] { big(UInt32(bytes.count)) + bytes }
  private static func big(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
  }
}
