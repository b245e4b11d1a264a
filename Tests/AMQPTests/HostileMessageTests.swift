import AMQP
import Testing

/// Messages that are made to hurt.
@Suite(.timeLimit(.minutes(2)))
struct HostileMessageTests {
  /// A sum is enough to see that every byte came by once and in order.
  private struct Checksum: BodyDigest {
    private var hash: UInt64 = 14_695_981_039_346_656_037

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
      for byte in bytes { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
    }

    mutating func finalize() -> [UInt8] { withUnsafeBytes(of: hash.bigEndian) { Array($0) } }
  }

  @Test("A body over the limit is not kept: its beginning, its size, its digest")
  func oversizeBody() async throws {
    let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    var expected = Checksum()
    body.withUnsafeBytes { expected.update($0) }
    try await withConnection(options: { $0.makeDigest = { Checksum() } }) { connection in
      let queue = try await connection.temporaryQueue("oversize")
      try await connection.consume(queue, noAck: true)
      let limit = OutboundMessage(exchange: "", routingKey: queue, body: Array(body[..<1_048_576]))
      try await connection.publishAll([
        OutboundMessage(exchange: "", routingKey: queue, body: body), limit,
        OutboundMessage(exchange: "", routingKey: queue, body: [1]),
      ])
      let deliveries = try await connection.deliveries(3)
      #expect(
        deliveries[0].body
          == .truncated(prefix: Array(body[..<65_536]), size: 3_000_000, digest: expected.finalize()))
      #expect(deliveries[0].body.size == 3_000_000)
      #expect(deliveries[1].body == .whole(limit.body))
      #expect(deliveries[2].body == .whole([1]))
    }
  }

  @Test("Tables nested 21,800 deep come through, flagged, and the next message too", arguments: [65, 1000, 21_800])
  func deepTables(depth: Int) async throws {
    // A key without a name, the type, the length: six bytes a level.
    var table: [UInt8] = []
    var levels: [[UInt8]] = []
    for level in 0..<depth { levels.append([0, UInt8(ascii: "F")] + RawPublisher.long(UInt32(level * 6))) }
    for level in levels.reversed() { table += level }
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("deep")
      try await connection.consume(queue, noAck: true)
      let publisher = try RawPublisher(TestBroker.uri())
      try publisher.publish(to: queue, headers: table, body: [1, 2, 3])
      try publisher.publish(to: queue, headers: [], body: [4])
      let deliveries = try await connection.deliveries(2)
      #expect(deliveries[0].properties.headersWereCut)
      #expect(deliveries[0].body == .whole([1, 2, 3]))
      #expect(!deliveries[1].properties.headersWereCut)
      #expect(deliveries[1].properties.headers == FieldTable())
    }
  }

  @Test("A table of more values than anybody needs is cut, and says so")
  func hugeTable() async throws {
    // Names of their own, because RabbitMQ 4 would hand on one of each name; and no value: five bytes each.
    var table: [UInt8] = []
    for number in 0..<20_000 as Range<UInt16> {
      table += [3, UInt8(ascii: "n"), UInt8(number >> 8), UInt8(truncatingIfNeeded: number), UInt8(ascii: "V")]
    }
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("huge")
      try await connection.consume(queue, noAck: true)
      try RawPublisher(TestBroker.uri()).publish(to: queue, headers: table, body: [])
      let delivery = try await connection.deliveries(1)[0]
      #expect(delivery.properties.headersWereCut)
      #expect(delivery.properties.headers?.entries.count == FieldTable.maxValues)
    }
  }

  @Test("A key and a value that are not UTF-8 come through")
  func brokenText() async throws {
    let table: [UInt8] = [2, 0xFF, 0xFE, UInt8(ascii: "S"), 0, 0, 0, 1, 0xC0]
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("text")
      try await connection.consume(queue, noAck: true)
      try RawPublisher(TestBroker.uri()).publish(to: queue, headers: table, body: [])
      let headers = try await connection.deliveries(1)[0].properties.headers
      #expect(headers == ["\u{10FEFF}\u{10FEFE}": .string([0xC0])])
    }
  }

  @Test("A header table that fills the frame comes through, even when x-death has made it larger than the frame")
  func largeHeader() async throws {
    try await withConnection { connection in
      let target = try await connection.temporaryQueue("x-death")
      let queue = try await connection.temporaryQueue(
        "rejected", arguments: ["x-dead-letter-exchange": "", "x-dead-letter-routing-key": .string(target)])
      // 131,072 less the frame's 8, the content header's 12, the flags' 2 and the table's length is what is left.
      let value = [UInt8](repeating: 0x7A, count: 131_072 - 8 - 12 - 2 - 4 - 2 - 5)
      let headers: FieldTable = ["z": .string(value)]
      try await connection.publishAll([
        OutboundMessage(exchange: "", routingKey: queue, properties: Properties(headers: headers), body: [9])
      ])
      try await connection.consume(queue)
      let first = try await connection.deliveries(1)[0]
      #expect(first.properties.headers == headers)
      try await connection.consume(target)
      await connection.nack(first.tag, requeue: false)
      let dead = try await connection.deliveries(1)[0]
      #expect(dead.properties.headers?["z"] == .string(value))
      #expect(dead.properties.headers?["x-death"] != nil)
      #expect(dead.body == .whole([9]))
      try await connection.publish("neighbour", to: target)
      #expect(try await connection.deliveries(1)[0].text == "neighbour")
    }
  }
}
