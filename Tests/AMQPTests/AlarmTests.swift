import AMQP
import TestSupport
import Testing

/// The alarm is the whole broker's: short.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct AlarmTests {
  @Test("Under a memory alarm publishing stops and says how far it came; consuming and acking go on; then it resumes")
  func memoryAlarm() async throws {
    try await withConnection { consumer in
      let queue = try await consumer.temporaryQueue("alarm")
      try await consumer.consume(queue)
      try await withConnection(options: { $0.heartbeat = .seconds(3) }) { publisher in
        try await publisher.enableConfirms()
        let message = OutboundMessage(exchange: "", routingKey: queue, body: [UInt8](repeating: 1, count: 20_000))
        var published = try await publisher.publish([message]).count
        let before = try await consumer.deliveries(1)
        published += try await TestSupport.TestBroker.duringMemoryAlarm {
          var count = 0
          // The broker says so only after the first message.
          while await !publisher.isBlocked { count += try await publisher.publish([message]).count }
          #expect(try await publisher.publish([message]).count == 0)
          let events = try await publisher.receive { $0.contains { if case .blocked = $0 { true } else { false } } }
          #expect(events.contains(.blocked(reason: "low on memory")))
          await consumer.ack(before[0].tag)
          try await consumer.setPrefetch(100)
          // Longer than two heartbeats: a blocked connection is not a dead one.
          try await Task.sleep(for: .seconds(6.5))
          #expect(await publisher.isBlocked)
          return count
        }
        _ = try await publisher.receive { $0.contains(.unblocked) }
        #expect(await !publisher.isBlocked)
        published += try await publisher.publish([message]).count
        _ = try await consumer.deliveries(published - 1)
      }
    }
  }

  @Test("A large batch under the alarm ends early, with whole messages; the rest can follow")
  func partialBatch() async throws {
    try await withConnection { publisher in
      let queue = try await publisher.temporaryQueue("partial")
      try await publisher.enableConfirms()
      let messages = (0..<2000).map {
        OutboundMessage(
          exchange: "", routingKey: queue, body: Array(String($0).utf8) + [UInt8](repeating: 32, count: 10_000))
      }
      let published = try await TestSupport.TestBroker.duringMemoryAlarm { try await publisher.publish(messages) }
      #expect(published.count < messages.count)
      _ = try await publisher.receive { $0.contains(.unblocked) }
      try await publisher.publishAll(Array(messages[published.count...]))
      try await publisher.consume(queue, noAck: true)
      let numbers = try await publisher.deliveries(messages.count).map { Int($0.text.prefix { $0 != " " }) }
      #expect(numbers == (0..<2000).map { $0 })
    }
  }
}
