import AMQP
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ConsumingTests {
  private func messages(_ range: Range<Int>, to queue: String) -> [OutboundMessage] {
    range.map { OutboundMessage(exchange: "", routingKey: queue, body: Array(String($0).utf8)) }
  }

  @Test("The prefetch bounds what is out; acks in one hop let the rest come")
  func prefetchAndAck() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("prefetch")
      try await connection.publishAll(messages(0..<20, to: queue))
      try await connection.setPrefetch(8)
      let tag = ConsumerTag("mine")
      #expect(try await connection.consume(queue, tag: tag) == tag)
      let first = try await connection.deliveries(8)
      #expect(first.map(\.text) == (0..<8).map { String($0) })
      #expect(first.allSatisfy { $0.consumer == tag })
      // 5 is left out: everything up to 4, and 6 and 7 besides.
      await connection.ack(upTo: first[4].tag, and: [first[6].tag, first[7].tag])
      let second = try await connection.deliveries(7)
      #expect(second.map(\.text) == (8..<15).map { String($0) })
      await connection.nack(first[5].tag, requeue: true)
      let again = try await connection.deliveries(1)
      #expect(again.first?.text == "5")
      #expect(again.first?.redelivered == true)
    }
  }

  @Test("receive() keeps to its bounds, and takes at least one")
  func receiveBounds() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("bounds")
      let body = [UInt8](repeating: 1, count: 10_000)
      try await connection.publishAll(
        (0..<10).map { _ in OutboundMessage(exchange: "", routingKey: queue, body: body) })
      try await connection.consume(queue, noAck: true)
      #expect(try await connection.receive(maxCount: 1, maxBytes: .max).count == 1)
      #expect(try await connection.receive(maxCount: 100, maxBytes: 1).count == 1)
      var rest = 8
      while rest > 0 {
        let batch = try await connection.receive(maxCount: 100, maxBytes: 35_000)
        #expect((1...3).contains(batch.count))
        rest -= batch.count
      }
    }
  }

  @Test("A cancelled task stops waiting at once, and nothing is lost")
  func cancelReceive() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("cancel")
      try await connection.consume(queue, noAck: true)
      let started = ContinuousClock.now
      let task = Task { try await connection.receive(maxCount: 1, maxBytes: 1) }
      task.cancel()
      let error = try await failure { _ = try await task.value }
      #expect(error.code == .cancelled)
      #expect(!error.isChannelLost)
      #expect(ContinuousClock.now - started < soon)
      try await connection.publish("still here", to: queue)
      #expect(try await connection.deliveries(1)[0].text == "still here")
    }
  }

  @Test("A wait with a limit ends with nothing when nothing came, and with what came")
  func receiveWithin() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("within")
      try await connection.consume(queue, noAck: true)
      let started = ContinuousClock.now
      #expect(try await connection.receive(maxCount: 10, maxBytes: 1000, within: .milliseconds(200)).isEmpty)
      #expect(ContinuousClock.now - started >= .milliseconds(200))
      #expect(ContinuousClock.now - started < soon)
      #expect(try await connection.receive(maxCount: 10, maxBytes: 1000, within: .zero).isEmpty)
      async let waiting = connection.receive(maxCount: 10, maxBytes: 1000, within: .seconds(600))
      try await connection.publish("in time", to: queue)
      #expect(try await waiting.deliveries.map(\.text) == ["in time"])
      try await connection.publish("again", to: queue)
      #expect(try await connection.deliveries(1)[0].text == "again")
    }
  }

  @Test("A wait can be ended from outside, now or before it has begun; nothing is lost by that")
  func endWait() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("end")
      try await connection.consume(queue, noAck: true)
      // Whether it waits already or not, it is ended once.
      for _ in 1...50 {
        async let waiting = connection.receive(maxCount: 10, maxBytes: 1000, within: .seconds(600))
        connection.endWait()
        #expect(try await waiting.isEmpty)
      }
      connection.endWait()
      #expect(try await connection.receive(maxCount: 10, maxBytes: 1000).isEmpty)
      async let waiting = connection.receive(maxCount: 10, maxBytes: 1000, within: .seconds(600))
      try await connection.publish("after all", to: queue)
      #expect(try await waiting.deliveries.map(\.text) == ["after all"])
    }
  }

  @Test("Only one task receives at a time; the second is told so")
  func secondReceiver() async throws {
    try await withConnection { connection in
      let error = try await failure {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for _ in 0..<2 { group.addTask { _ = try await connection.receive(maxCount: 1, maxBytes: 1) } }
          try await group.next()
        }
      }
      #expect(error.code == .invalidArgument)
      // The other one was cancelled with its group: the next may wait.
      let queue = try await connection.temporaryQueue("second")
      try await connection.consume(queue, noAck: true)
      try await connection.publish("next", to: queue)
      #expect(try await connection.deliveries(1)[0].text == "next")
    }
  }

  @Test("A cancelled subscription stops; one whose queue is deleted says so")
  func cancelling() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("cancelling")
      let tag = try await connection.consume(queue)
      try await connection.cancel(tag)
      try await connection.publish("one", to: queue)
      let second = try await connection.consume(queue)
      #expect(try await connection.deliveries(1)[0].consumer == second)
      #expect(try await connection.deleteQueue(queue) == 0)
      let events = try await connection.receive { !$0.isEmpty }
      #expect(events == [.consumerCancelled(second)])
    }
  }

  @Test("A closed channel pauses: the broker has everything back, stale tags are left out, the next generation goes on")
  func pauseAndResume() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("pause")
      try await connection.publishAll(messages(0..<3, to: queue))
      try await connection.consume(queue)
      let before = try await connection.deliveries(3)
      try await connection.closeChannel()
      try await connection.closeChannel()
      #expect(await connection.receiveError().code == .channelClosed)
      try await connection.openChannel()
      try await connection.openChannel()
      // Exclusive queues are the connection's: it is still there, with all of its messages.
      #expect(try await connection.declareQueue(queue, passive: true).messageCount == 3)
      for delivery in before { await connection.ack(delivery.tag) }
      await connection.ack(upTo: before[2].tag)
      await connection.nack(before[0].tag, requeue: false)
      try await connection.consume(queue)
      let after = try await connection.deliveries(3)
      #expect(after.map(\.text) == ["0", "1", "2"])
      #expect(after.allSatisfy { $0.redelivered })
      #expect(after[0].tag.value == 1)
      #expect(after[0].tag > before[2].tag)
      await connection.ack(after[2].tag, multiple: true)
      try await connection.closeChannel()
      try await connection.openChannel()
      #expect(try await connection.declareQueue(queue, passive: true).messageCount == 0)
    }
  }

  @Test("Nobody receives for more than two heartbeats: the connection lives, and the deliveries wait")
  func slowConsumer() async throws {
    let count = 20_000
    try await withConnection(options: { $0.heartbeat = .seconds(4) }) { connection in
      let queue = try await connection.temporaryQueue("slow")
      try await withConnection { try await $0.publishAllFor(queue, count) }
      try await connection.consume(queue)
      // Not a wait for a condition: the time that passes is what is tested.
      try await Task.sleep(for: .seconds(9))
      let deliveries = try await connection.deliveries(count)
      #expect(deliveries.count == count)
      await connection.ack(deliveries[count - 1].tag, multiple: true)
      // An answer that comes behind everything else.
      #expect(try await connection.declareQueue(queue, passive: true).messageCount == 0)
    }
  }

  @Test(
    "Deliveries that nobody takes stay in the socket for a while; then they are read, so that the broker is not stuck")
  func patience() async throws {
    let proxy = try TCPProxy(to: TestBroker.uri())
    defer { proxy.stop() }
    let count = 400
    // Far more than the sockets on the way can hold.
    let body = [UInt8](repeating: 0, count: 100_000)
    let patience = Duration.seconds(2)
    try await withConnection(
      to: proxy.uri(TestBroker.uri()),
      options: { $0.readAheadPatience = patience }
    ) { connection in
      let queue = try await connection.temporaryQueue("patience")
      try await withConnection { publisher in
        try await publisher.publishAll(
          (0..<count).map { _ in OutboundMessage(exchange: "", routingKey: queue, body: body) })
      }
      let started = ContinuousClock.now
      try await connection.consume(queue, noAck: true)
      while proxy.forwardedBytes < count * body.count { try await Task.sleep(for: .milliseconds(50)) }
      #expect(ContinuousClock.now - started >= patience)
      #expect(try await connection.deliveries(count).count == count)
    }
  }

  @Test("Requests are answered though deliveries that nobody takes are in front of the answer")
  func requestsBehindDeliveries() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("behind")
      let bodies = [UInt8](repeating: 7, count: 20_000)
      try await connection.publishAll(
        (0..<1000).map { _ in OutboundMessage(exchange: "", routingKey: queue, body: bodies) })
      try await connection.setPrefetch(600)
      let tag = try await connection.consume(queue)
      _ = try await connection.declareQueue(queue, passive: true)
      #expect(try await connection.deliveries(600).count == 600)
      try await connection.cancel(tag)
    }
  }

  @Test("A stream is read from its first message, and acknowledged")
  func stream() async throws {
    let stream = TestBroker.name("stream")
    try await withConnection { connection in
      try await connection.declareQueue(stream, arguments: ["x-queue-type": "stream"])
      try await connection.enableConfirms()
      try await connection.publishAll(messages(0..<50, to: stream))
      try await connection.setPrefetch(20)
      try await connection.consume(stream, arguments: ["x-stream-offset": "first"])
      var received: [Delivery] = []
      while received.count < 50 {
        let batch = try await connection.receive(maxCount: 100, maxBytes: 1_000_000).deliveries
        received += batch
        if let last = batch.last { await connection.ack(last.tag, multiple: true) }
      }
      #expect(received.map(\.text) == (0..<50).map { String($0) })
      #expect(received[9].properties.headers?["x-stream-offset"]?.integer == 9)
      try await connection.deleteQueue(stream)
    }
  }
}

extension Connection {
  fileprivate func publishAllFor(_ queue: String, _ count: Int) async throws {
    // The exclusive queue of another connection may be published to.
    try await publishAll((0..<count).map { _ in OutboundMessage(exchange: "", routingKey: queue, body: [1]) })
  }
}
