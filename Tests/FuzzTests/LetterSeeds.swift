import AMQP
import Foundation
import Lifecycle
import Store
import Worker

/// Lines of an export, made by exporting letters and then changed in one place each.
enum LetterSeeds {
  static var all: [Seed] {
    get throws { try lines + tables }
  }

  private static let id = UUID128(high: 0x0191_D6E2_7B1A_7C3E, low: 0x9F40_0123_4567_89AB)

  private static func letter(_ properties: Properties, body: [UInt8], size: Int? = nil) -> DeadLetter {
    let text = TypedProperties.encode(properties)
    return DeadLetter(
      id: id, state: .open, stateSince: Timestamp(milliseconds: 1_764_000_000_123), command: "isolate",
      code: .serverAllocated, message: "Server 42 is allocated.", details: #"{"state":"allocated"}"#,
      serverID: ServerID(rawValue: 42), clientID: ClientID(rawValue: 7),
      operation: "0191d6e2-7b1a-7c3e-9f40-0123456789ac", attempt: 2, actor: "workflow",
      receivedAt: Timestamp(milliseconds: 1_764_000_000_000), lastSeenAt: Timestamp(milliseconds: 1_764_000_000_456),
      count: 3, attempts: 2, queue: "server.commands.isolate", exchange: "server.commands", routingKey: "isolate",
      body: body, bodySize: size ?? body.count, bodySHA256: SHA256BodyDigest.of(body),
      properties: String(decoding: text.properties, as: UTF8.self),
      headers: text.headers.map { String(decoding: $0, as: UTF8.self) } ?? "[]",
      sameMessage: [UInt8](repeating: 7, count: 32), editedFrom: UUID128(high: 1, low: 2))
  }

  private static func replay(_ attempt: Int, _ state: ReplayState, ended: Bool) -> Replay {
    Replay(
      letterID: id, attempt: attempt, state: state, askedBy: "ada", reason: "fixed",
      askedAt: Timestamp(milliseconds: 1_764_000_001_000),
      endedAt: ended ? Timestamp(milliseconds: 1_764_000_002_000) : nil)
  }

  private static let properties = Properties(
    contentType: "application/json", contentEncoding: "utf-8",
    headers: [
      "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "n": .uint64(.max),
      "t": .timestamp(.max),
      "f": .float(.nan), "d": .double(-0.0), "D": .decimal(scale: 2, value: 12_345), "x": .byteArray([0, 255]),
      "s": .string([0xFF]), "a": .array([1, true, .void, .table(["b": .int8(-1)])]),
    ], deliveryMode: 2, priority: 9, correlationID: "c", replyTo: "amq.rabbitmq.reply-to", expiration: "60000",
    messageID: "m-1", timestamp: .max, type: "isolate", userID: "guest", appID: "app", clusterID: "")

  private static var lines: [Seed] {
    get throws {
      let body = Array(#"{"serverId":42,"subState":"reserved"}"#.utf8)
      let whole = ExportedLetter(
        letter: letter(properties, body: body),
        replays: [replay(1, .failed, ended: true), replay(2, .published, ended: false)])
      let plain = ExportedLetter(letter: letter(Properties(), body: [0, 0xFF, 0x0A]), replays: [])
      let cut = ExportedLetter(letter: letter(Properties(), body: body, size: 16 << 20), replays: [])
      var seeds = [
        Seed(name: "a letter with everything", input: whole.encoded, outcome: "accepted"),
        Seed(name: "a letter with little", input: plain.encoded, outcome: "accepted"),
        Seed(name: "a letter whose body was cut", input: cut.encoded, outcome: "accepted"),
        Seed(
          name: "a secret that somebody put in", input: try changed(plain, "headers", secretHeaders),
          outcome: "accepted"),
      ]
      let text = String(decoding: whole.encoded, as: UTF8.self)
      for (index, (name, value)) in damages.enumerated() {
        seeds.append(
          Seed(
            name: "damaged \(index): \(name)", input: try changed(whole, name, value),
            outcome: nil))
      }
      for cut in stride(from: 1, to: text.utf8.count, by: 97) {
        seeds.append(Seed(name: "cut off after \(cut) bytes", input: Array(text.utf8.prefix(cut)), outcome: nil))
      }
      return seeds
    }
  }

  private static let secretHeaders = #"[{"name":"X-Api-Key","type":"string","value":"hunter2-canary"}]"#

  /// A field, and JSON that it must not have.
  private static let damages: [(String, String)] = [
    ("id", "\"\""), ("id", "7"), ("state", "\"lost\""), ("stateSince", "\"2026-02-30T00:00:00Z\""),
    ("stateSince", "\"0000-01-01T00:00:00+01:00\""), ("stateSince", "\"9999-12-31T23:59:59.999-00:01\""),
    ("code", "\"ok\""),
    ("count", "0"), ("count", "9007199254740992"), ("attempts", "1"), ("attempt", "1001"), ("serverId", "0"),
    ("clientId", "-1"), ("bodyBase64", "\"AA=\""), ("bodyBase64", "\"AAAA\""), ("bodySize", "1"),
    ("bodySha256Base64", "\"AAAA\""), ("sameMessageBase64", "\"\""), ("editedFrom", "null"), ("replays", "{}"),
    ("replays", "[7]"), ("replays", "[{}]"), ("properties", "[]"), ("properties", #"{"priority":256}"#),
    ("properties", #"{"timestamp":"18446744073709551616"}"#), ("properties", #"{"messageId":7}"#), ("headers", "{}"),
    ("headers", #"[{"name":"k","type":"int8","value":128}]"#), ("headers", #"[{"name":"k","type":"void","value":0}]"#),
    ("headers", #"[{"name":"k","type":"decimal","value":{"scale":256,"value":1}}]"#), ("details", "1.5"),
  ]

  private static func changed(_ letter: ExportedLetter, _ name: String, _ json: String) throws -> [UInt8] {
    guard var members = JSONMembers(letter.encoded) else { throw Violation("an export is no JSON object") }
    members[name] = Array(json.utf8)
    var dice = Dice(Array(json.utf8))
    return members.text(&dice)
  }

  private static var tables: [Seed] {
    let inside = (text: #"[{"name":"t","type":"table","value":"#, end: "}]")
    let values = [
      ("boolean", "true"), ("int8", "-128"), ("uint8", "255"), ("int16", "-32768"), ("uint16", "65535"),
      ("int32", "-2147483648"), ("uint32", "4294967295"), ("int64", "\"-9223372036854775808\""),
      ("uint64", "\"18446744073709551615\""), ("timestamp", "\"18446744073709551615\""), ("float", "\"nan:7fa00001\""),
      ("float", "\"inf\""), ("float", "\"1e39\""), ("float", "\"0x1p-149\""), ("double", "\"-0.0\""),
      ("double", "\"nan:7ff8000000000bad\""), ("double", "\"nan:0\""), ("double", "\"5e-324\""),
      ("decimal", #"{"scale":255,"value":4294967295}"#), ("string", #""\u0000\ud834\udd1e""#),
      ("string-base64", "\"/w==\""),
      ("string-base64", "\"dGV4dA==\""), ("byteArray", "\"\""), ("array", #"[{"type":"void","value":null}]"#),
      ("table", "[]"), ("void", "null"),
    ]
    return values.map { type, value in
      Seed(
        name: "type \(type) \(value)", input: Array("[{\"name\":\"k\",\"type\":\"\(type)\",\"value\":\(value)}]".utf8),
        outcome: "table")
    }
      + [63, 64, 65, 66, 67, 1000].map { depth in
        let text =
          String(repeating: inside.text, count: depth) + "[]" + String(repeating: inside.end, count: depth)
        return Seed(name: "\(depth) tables in one another", input: Array(text.utf8), outcome: nil)
      }
  }
}
