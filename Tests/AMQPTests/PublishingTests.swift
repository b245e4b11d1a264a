import AMQP
import Testing

@Suite(.timeLimit(.minutes(2)))
struct PublishingTests {
  @Test("A published message is delivered and confirmed")
  func publishAndConfirm() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("publish")
      try await connection.enableConfirms()
      let message = OutboundMessage(exchange: "", routingKey: queue, body: Array("hello".utf8))
      let published = try await connection.publish([message, message])
      #expect(published.first == 1)
      #expect(published.count == 2)
      #expect(published.sequences == 1..<3)
      var confirmed: Set<UInt64> = []
      _ = try await connection.receive { events in
        for case .confirmed(let sequence, let multiple) in events {
          confirmed.formUnion(multiple ? Array(1...sequence) : [sequence])
        }
        return confirmed.count == 2
      }
      try await connection.consume(queue)
      let deliveries = try await connection.deliveries(2)
      #expect(deliveries.map(\.text) == ["hello", "hello"])
      #expect(try await connection.publish([message]).first == 3)
    }
  }
}
