import AMQP
import Foundation
import Lifecycle
import Testing
import TestSupport
import Worker

/// What the broker carries in headers, and what it does not. RabbitMQ 3.10.8 and 4.0.5 alike: every type but `uint64`, whose
/// bits arrive as `int64`; a float that is infinite or no number costs its sender the connection.
@Suite("Field types of dead letters", .serialized)
struct LetterTypeTests {
  /// One of every type that the broker carries, and tables in arrays in tables.
  static let everyType: FieldTable = [
    "boolean": .boolean(true), "int8": .int8(-8), "uint8": .uint8(200), "int16": .int16(-16_000),
    "uint16": .uint16(60_000), "int32": .int32(-2_000_000_000), "uint32": .uint32(4_000_000_000),
    "int64": .int64(.min), "float": .float(1.5), "negative zero": .float(-0.0), "double": .double(-0.1),
    "tiny": .double(.leastNonzeroMagnitude), "decimal": .decimal(scale: 2, value: 12_345), "string": "wörds",
    "not UTF-8": .string([0xFF, 0x00, 0xC3]), "bytes": .byteArray([0, 1, 2, 255]),
    "timestamp": .timestamp(1_790_000_000), "far": .timestamp(.max), "void": .void,
    "array": .array([.int8(1), .array([]), .string("x"), .table(["deep": .array([.table(["deeper": .void])])])]),
    "table": .table(["a": .timestamp(7), "b": .table([:])]), "traceparent": "00-not-one",
  ]

  @Test(
    "Kept, exported, taken in by another store and replayed: every type that the broker carries comes out as it went in"
  )
  func roundTrip() async throws {
    try await Fleet.with(Fleet.quickWithTwoStores) { fleet in
      let exchange = fleet.topology.commandsExchange
      let copies = "\(exchange).copies"
      try await fleet.done("topology")
      try await Fleet.withConnection { connection in
        _ = try await connection.declareQueue(copies)
        try await connection.bindQueue(copies, to: exchange, routingKey: "isolate")
        _ = try await connection.consume(copies)
        _ = try await fleet.bench.withWorker {
          let order = Order.isolate(5, op: 1)
          var properties = order.properties
          properties.headers = Self.everyType
          try await fleet.publish([
            OutboundMessage(exchange: exchange, routingKey: "isolate", properties: properties, body: order.body)
          ])
          try await fleet.letters(count: 1)
        }
        try await fleet.done("dl export -o letters.jsonl")
        let original = try #require(try await LetterReplayTests.delivery(connection))
        #expect(Self.sorted(original.properties.headers) == Self.sorted(Self.everyType), "the broker carries them")

        _ = try await fleet.bench.shell("mkdir old && mv ostler.sqlite* old/")
        _ = try await fleet.bench.withWorker {
          try await fleet.letters(count: 0)
          try await fleet.done("dl import letters.jsonl")
          let ended = try await fleet.bench.ostler("dl", "replay", "--all", "--wait")
          #expect(ended.output.contains("1 rejected again (1 unknown-server)"), "\(ended)")
          let replayed = try #require(try await LetterReplayTests.delivery(connection))
          let headers = replayed.properties.headers?.entries ?? []
          #expect(
            Self.sorted(FieldTable(headers.filter { $0.key != "x-ostler-replay" })) == Self.sorted(Self.everyType))
          #expect(replayed.body.bytes == original.body.bytes)
        }
        try await connection.deleteQueue(copies)
      }
    }
  }

  @Test("A letter with a header that the broker does not carry opens again with the reason; the others are replayed")
  func notCarried() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish((1...20).map { .isolate($0, op: UInt64($0)) })
      try await fleet.letters(count: 20)
      let exported = try await fleet.done("dl export").lines
      try await fleet.done("dl discard --all --reason exported")
      try await fleet.publish((1...20).map { .enroll($0, "new") })
      // No broker has delivered these: they come from the outside, by a file.
      let headers: [Int64: String] = [
        3: #"{"name":"h","type":"double","value":"inf"}"#, 9: #"{"name":"h","type":"float","value":"nan:7fc00000"}"#,
        10: #"{"name":"h","type":"uint64","value":"18446744073709551615"}"#,
        17: #"{"name":"h","type":"array","value":[{"type":"double","value":"-inf"}]}"#,
      ]
      let lines = try exported.map { line in
        let server = try #require(try JSONNode(Array(line.utf8)).serverId.integer)
        return Self.anew(line, server).replacing(#""headers":[]"#, with: #""headers":[\#(headers[server] ?? "")]"#)
      }
      try fleet.bench.write(lines.joined(separator: "\n"), to: "letters.jsonl")
      try await fleet.done("dl import letters.jsonl")
      let exchange = fleet.topology.commandsExchange
      try await Fleet.withConnection { connection in
        // As the worker's own: a classic queue of 3.10 hands out the bytes as they came.
        let copies = "\(exchange).copies"
        _ = try await connection.declareQueue(copies, arguments: ["x-queue-type": "quorum"])
        try await connection.bindQueue(copies, to: exchange, routingKey: "isolate")
        let replayed = try await fleet.bench.ostler("dl", "replay", "--all", "--wait", "--timeout", "60s")
        #expect(replayed.status == 1)
        #expect(
          replayed.output.contains("17 applied") && replayed.output.contains("3 rejected again (3 broker-rejected)"),
          "\(replayed)")
        _ = try await connection.consume(copies)
        var carried: FieldValue?
        while carried == nil {
          carried = try #require(try await LetterReplayTests.delivery(connection)).properties.headers?["h"]
        }
        #expect(carried == .int64(-1), "the bits of a uint64 arrive as int64")
        try await connection.deleteQueue(copies)
      }
      for letter in try await fleet.letters() {
        #expect([3, 9, 17].contains(letter.serverId.integer) && letter.state == "open" && letter.attempts == 1)
        #expect(letter.message.text?.contains("541") == true, "\(letter.message)")
      }
      #expect(try await fleet.letters().count == 3)
      for server in (1...20) as ClosedRange<Int64> where ![3, 9, 17].contains(server) {
        #expect(try await fleet.version(of: server) == 2)
      }
      // And again: it does not wait for ever.
      let again = try await fleet.bench.ostler("dl", "replay", "--server", "9", "--wait", "--timeout", "60s")
      #expect(again.output.contains("1 rejected again (1 broker-rejected)"), "\(again)")
    }
  }

  /// RabbitMQ 4 puts the headers themselves in the order of their names.
  private static func sorted(_ headers: FieldTable?) -> [FieldTable.Entry] {
    (headers?.entries ?? []).sorted { $0.key < $1.key }
  }

  /// The line with an id and a message identity of its own, so that it is another letter.
  private static func anew(_ line: String, _ server: Int64) -> String {
    let digest = Data((0..<32).map { UInt8($0 + server) }).base64EncodedString()
    return line.replacing(#/"id":"[^"]*"/#, with: #""id":"\#(UUID().uuidString.lowercased())""#, maxReplacements: 1)
      .replacing(#/"sameMessageBase64":"[^"]*"/#, with: #""sameMessageBase64":"\#(digest)""#)
  }
}
