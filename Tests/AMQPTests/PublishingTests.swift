import AMQP
import Testing

@Suite(.timeLimit(.minutes(2)))
struct PublishingTests {
  /// Waits for the confirms of all sequences below `end`.
  private func confirms(_ connection: Connection, below end: UInt64) async throws -> [Inbound] {
    var open = Set(1..<end)
    return try await connection.receive { events in
      for event in events {
        switch event {
        case .confirmed(let sequence, let multiple):
          open = multiple ? open.filter { $0 > sequence } : open.subtracting([sequence])
        case .nacked, .delivery, .returned, .consumerCancelled, .blocked, .unblocked: break
        }
      }
      return open.isEmpty
    }
  }

  @Test("A published message is delivered and confirmed, with sequence numbers from 1")
  func publishAndConfirm() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("publish")
      try await connection.enableConfirms()
      let message = OutboundMessage(exchange: "", routingKey: queue, body: Array("hello".utf8))
      let published = try await connection.publish([message, message])
      #expect(published.sequences == 1..<3)
      _ = try await confirms(connection, below: 3)
      try await connection.consume(queue)
      #expect(try await connection.deliveries(2).map(\.text) == ["hello", "hello"])
      #expect(try await connection.publish([message]).first == 3)
      // A new channel counts anew.
      try await connection.closeChannel()
      try await connection.openChannel()
      try await connection.enableConfirms()
      #expect(try await connection.publish([message]).first == 1)
    }
  }

  @Test("An unroutable mandatory message comes back before its confirm")
  func mandatory() async throws {
    try await withConnection { connection in
      try await connection.enableConfirms()
      let missing = TestBroker.name("missing")
      let properties = Properties(headers: ["h": 1], messageID: "m")
      _ = try await connection.publish([
        OutboundMessage(
          exchange: "", routingKey: missing, mandatory: true, properties: properties, body: Array("back".utf8))
      ])
      let events = try await confirms(connection, below: 2)
      guard case .returned(let message) = events.first else {
        Issue.record("expected the return first: \(events)")
        return
      }
      #expect(message.replyCode == 312)
      #expect(message.replyText == "NO_ROUTE")
      #expect(message.routingKey == missing)
      #expect(message.properties == properties)
      #expect(message.body == .whole(Array("back".utf8)))
      #expect(events.count == 2)
    }
  }

  @Test("Tens of thousands of messages in one call keep their order, while another task publishes too")
  func manyInOrder() async throws {
    let count = 30_000
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("many")
      try await connection.enableConfirms()
      let messages = (0..<count).map {
        OutboundMessage(exchange: "", routingKey: queue, body: Array(String($0).utf8))
      }
      let single = OutboundMessage(exchange: "", routingKey: queue, body: Array("other".utf8))
      async let all: Void = connection.publishAll(messages)
      async let one: Void = connection.publishAll([single])
      _ = try await confirms(connection, below: UInt64(count) + 2)
      _ = try await (all, one)
      try await connection.consume(queue, noAck: true)
      let texts = try await connection.deliveries(count + 1).map(\.text)
      #expect(texts.filter { $0 != "other" } == (0..<count).map { String($0) })
      #expect(texts.filter { $0 == "other" }.count == 1)
    }
  }

  @Test("Bodies of every frame boundary come back whole", arguments: [0, 1, 131_064, 131_065, 262_128, 900_000])
  func bodySizes(count: Int) async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("sizes")
      let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      try await connection.consume(queue, noAck: true)
      try await connection.publishAll([OutboundMessage(exchange: "", routingKey: queue, body: body)])
      #expect(try await connection.deliveries(1)[0].body == .whole(body))
    }
  }

  @Test("Publishing to an exchange that does not exist closes the channel, and says so to the next call")
  func missingExchange() async throws {
    try await withConnection { connection in
      let message = OutboundMessage(exchange: TestBroker.name("none"), routingKey: "x", body: [])
      try await connection.publishAll([message])
      let error = await connection.receiveError()
      #expect(error.code == .notFound)
      #expect(error.isChannelLost && !error.isConnectionLost)
      let next = try await failure { _ = try await connection.publish([message]) }
      #expect(next.code == .channelClosed)
      #expect(next.cause?.contains("404") == true)
    }
  }

  @Test("A direct reply comes back on the channel that asked")
  func directReplyTo() async throws {
    try await withConnection { asker in
      try await withConnection { server in
        let queue = try await server.temporaryQueue("rpc")
        try await server.consume(queue, noAck: true)
        try await asker.consume("amq.rabbitmq.reply-to", noAck: true)
        try await asker.publish(
          "question", to: queue, properties: Properties(correlationID: "7", replyTo: "amq.rabbitmq.reply-to"))
        let question = try await server.deliveries(1)[0]
        let replyTo = try #require(question.properties.replyTo)
        #expect(replyTo.hasPrefix("amq.rabbitmq.reply-to."))
        try await server.publish("answer", to: replyTo, properties: Properties(correlationID: "7"))
        let answer = try await asker.deliveries(1)[0]
        #expect(answer.text == "answer")
        #expect(answer.properties.correlationID == "7")
      }
    }
  }
}
