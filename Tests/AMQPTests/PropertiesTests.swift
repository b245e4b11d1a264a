import AMQP
import Testing

@Suite(.timeLimit(.minutes(2)))
struct PropertiesTests {
  /// Publishes and receives over the broker.
  private func roundTrip(_ properties: Properties, body: [UInt8] = []) async throws -> Delivery {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("properties")
      try await connection.consume(queue, noAck: true)
      try await connection.publishAll([
        OutboundMessage(exchange: "", routingKey: queue, properties: properties, body: body)
      ])
      return try await connection.deliveries(1)[0]
    }
  }

  @Test("Every property comes back as it was sent")
  func everyProperty() async throws {
    let properties = Properties(
      contentType: "application/json", contentEncoding: "utf-8", headers: ["a": 1], deliveryMode: 2, priority: 7,
      correlationID: "correlation-0123456789-0123456789", replyTo: "some.queue.with.a.longer.name",
      expiration: "60000", messageID: "ünïcödé", timestamp: 1_800_000_000, type: "isolate", userID: "guest",
      appID: "ostler", clusterID: "cluster")
    let delivery = try await roundTrip(properties, body: [0, 1, 255])
    #expect(delivery.properties == properties)
    #expect(delivery.body == .whole([0, 1, 255]))
    #expect(delivery.exchange == "")
    #expect(!delivery.redelivered)
  }

  @Test("What was not sent is not there, and empty is not absent")
  func absence() async throws {
    #expect(try await roundTrip(Properties()).properties == Properties())
    let empty = Properties(contentType: "", headers: [:], messageID: "")
    #expect(try await roundTrip(empty).properties == empty)
  }

  @Test("Every field type keeps type and value, in the order that the broker keeps, with the duplicates that it keeps")
  func everyFieldType() async throws {
    let table: FieldTable = [
      "boolean": true, "boolean": false,
      "int8": .int8(.min), "uint8": .uint8(.max), "int16": .int16(.min), "uint16": .uint16(.max),
      "int32": .int32(.min), "uint32": .uint32(.max), "int64": .int64(.min), "int64+": .int64(.max),
      "float": .float(1.5), "double": .double(-2.25), "decimal": .decimal(scale: 2, value: 12_345),
      "string": "text", "not UTF-8": .string([0xFF, 0, 0xFE]), "empty": .string([]),
      "byteArray": .byteArray([0, 1, 2, 255]), "timestamp": .timestamp(1_800_000_000),
      "array": .array([1, "two", .array([]), .table(["three": 3])]), "empty array": .array([]),
      "table": .table(["nested": .table(["deeper": .void])]), "empty table": .table([:]),
      "void": .void, "ключ": "key",
    ]
    let delivery = try await roundTrip(Properties(headers: table))
    let headers = try #require(delivery.properties.headers)
    let expected = try await table.asHandedOn()
    for (expected, received) in zip(expected.entries, headers.entries) { #expect(received == expected) }
    #expect(headers.entries.count == expected.entries.count)
    #expect(!delivery.properties.headersWereCut)
  }

  @Test("Long strings, byte arrays and many headers survive", arguments: [1, 255, 256, 65_536, 120_000])
  func lengths(count: Int) async throws {
    let headers: FieldTable = ["s": .string([UInt8](repeating: 0x61, count: count))]
    #expect(try await roundTrip(Properties(headers: headers)).properties.headers == headers)
  }

  @Test("Hundreds of headers survive")
  func manyHeaders() async throws {
    let headers = FieldTable((0..<3000).map { FieldTable.Entry(key: "header-\($0)", value: .int32($0)) })
    let delivery = try await roundTrip(Properties(headers: headers))
    #expect(try await delivery.properties.headers == headers.asHandedOn())
  }

  @Test("Repeated long names are told apart from one another")
  func cachedStrings() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("strings")
      try await connection.consume(queue, noAck: true)
      let types = (0..<400).map { "a.rather.long.type.number-\($0 % 7)-and-\($0 / 7).with.an.end" }
      try await connection.publishAll(
        types.map {
          OutboundMessage(exchange: "", routingKey: queue, properties: Properties(type: $0), body: [])
        })
      let deliveries = try await connection.deliveries(types.count)
      #expect(deliveries.map(\.properties.type) == types)
    }
  }

  @Test(
    "Lengths that AMQP does not allow are refused by name, and the connection lives on",
    arguments: [
      (Properties(correlationID: String(repeating: "x", count: 256)), "correlation-id"),
      (Properties(headers: [String(repeating: "k", count: 256): 1]), "key"),
      (Properties(headers: ["big": .string([UInt8](repeating: 0, count: 131_072))]), "131072"),
      (Properties(headers: ["deep": nested(FieldTable.maxDepth)]), "deeper"),
    ])
  func refusesLengths(properties: Properties, named: String) async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("lengths")
      let good = OutboundMessage(exchange: "", routingKey: queue, body: [1])
      let bad = OutboundMessage(exchange: "", routingKey: queue, properties: properties, body: [2])
      let error = try await failure { _ = try await connection.publish([good, bad]) }
      #expect(error.code == .invalidArgument)
      #expect(!error.isChannelLost)
      #expect(error.message.contains(named) && error.message.contains("message 2 of 2"), "\(error)")
      // Nothing of that batch was written.
      #expect(try await connection.declareQueue(queue, passive: true).messageCount == 0)
    }
  }

  @Test("The deepest table that is allowed comes back whole")
  func deepest() async throws {
    let headers: FieldTable = ["deep": nested(FieldTable.maxDepth - 1)]
    let delivery = try await roundTrip(Properties(headers: headers))
    #expect(delivery.properties.headers == headers)
    #expect(!delivery.properties.headersWereCut)
  }
}

/// That many tables inside one another.
private func nested(_ depth: Int) -> FieldValue {
  depth == 0 ? 1 : .table(["t": nested(depth - 1)])
}
