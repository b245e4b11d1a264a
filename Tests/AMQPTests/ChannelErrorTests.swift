import AMQP
import Testing

@Suite(.timeLimit(.minutes(2)))
struct ChannelErrorTests {
  @Test("404, 405 and 406 close the channel only; after openChannel() it goes on")
  func channelErrors() async throws {
    try await withConnection { owner in
      let queue = try await owner.temporaryQueue("locked")
      try await withConnection { connection in
        let missing = try await failure { try await connection.declareQueue("no.such.queue", passive: true) }
        #expect(missing.code == .notFound)
        #expect(missing.message.contains("no.such.queue"))
        #expect(missing.cause?.hasPrefix("404 NOT_FOUND") == true)
        #expect(missing.isChannelLost && !missing.isConnectionLost)

        let closed = try await failure { try await connection.consume("anything") }
        #expect(closed.code == .channelClosed)
        #expect(closed.isChannelLost && !closed.isConnectionLost)

        try await connection.openChannel()
        let locked = try await failure { try await connection.declareQueue(queue, durable: false, exclusive: true) }
        #expect(locked.code == .resourceLocked)

        try await connection.openChannel()
        let own = try await connection.temporaryQueue("precondition")
        let differs = try await failure {
          try await connection.declareQueue(own, durable: false, exclusive: true, arguments: ["x-max-length": 5])
        }
        #expect(differs.code == .preconditionFailed)
        #expect(differs.cause?.contains("x-max-length") == true)

        try await connection.openChannel()
        #expect(try await connection.declareQueue(own, passive: true).name == own)
      }
    }
  }

  @Test("Requests that are made at once are answered one after the other")
  func requestsAtOnce() async throws {
    try await withConnection { connection in
      let names = (0..<40).map { _ in TestBroker.name("at-once") }
      let declared = try await withThrowingTaskGroup(of: String.self) { group in
        for name in names {
          group.addTask { try await connection.declareQueue(name, durable: false, exclusive: true).name }
        }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      #expect(declared == Set(names))
    }
  }

  @Test("Acknowledging twice is a 406, which the next receive() tells")
  func ackTwice() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("twice")
      try await connection.publish("x", to: queue)
      try await connection.consume(queue)
      let tag = try await connection.deliveries(1)[0].tag
      await connection.ack(tag)
      await connection.ack(tag)
      let error = await connection.receiveError()
      #expect(error.code == .preconditionFailed)
      #expect(error.cause?.contains("unknown delivery tag") == true)
    }
  }

  @Test("An exclusive queue is a lock that goes with its connection")
  func lock() async throws {
    let name = TestBroker.name("lock")
    let holder = Connection(options: ConnectionOptions(name: "holder"))
    try await holder.open([TestBroker.uri()])
    try await holder.declareQueue(name, durable: false, exclusive: true)
    try await withConnection { standby in
      let error = try await failure { try await standby.declareQueue(name, durable: false, exclusive: true) }
      #expect(error.code == .resourceLocked)
      await holder.close()
      while true {
        try await standby.openChannel()
        do {
          try await standby.declareQueue(name, durable: false, exclusive: true)
          break
        } catch let error as AMQPError where error.code == .resourceLocked { continue }
      }
    }
  }

  @Test("Exchanges, bindings, purge: the whole topology")
  func topology() async throws {
    let (source, destination) = (TestBroker.name("source"), TestBroker.name("destination"))
    try await withConnection { connection in
      try await connection.declareExchange(source, durable: false, autoDelete: false)
      try await connection.declareExchange(destination, kind: .fanout, durable: false)
      try await connection.declareExchange(source, durable: false, passive: true)
      let queue = try await connection.temporaryQueue("topology")
      try await connection.bindExchange(destination, to: source, routingKey: "a.#")
      try await connection.bindQueue(queue, to: destination, routingKey: "")
      try await connection.enableConfirms()
      let message = OutboundMessage(exchange: source, routingKey: "a.b", body: [1])
      try await connection.publishAll([message, message])
      _ = try await connection.receive { events in
        events.contains {
          if case .confirmed(let sequence, let multiple) = $0 {
            sequence == 2 || (multiple && sequence >= 2)
          } else {
            false
          }
        }
      }
      #expect(try await connection.purgeQueue(queue) == 2)
      try await connection.unbindExchange(destination, from: source, routingKey: "a.#")
      try await connection.unbindQueue(queue, from: destination, routingKey: "")
      try await connection.deleteExchange(source)
      try await connection.deleteExchange(destination)
      let error = try await failure { try await connection.declareExchange(source, passive: true) }
      #expect(error.code == .notFound)
    }
  }

  @Test("Names that are too long are refused before they are sent")
  func longNames() async throws {
    try await withConnection { connection in
      let error = try await failure { try await connection.declareQueue(String(repeating: "q", count: 256)) }
      #expect(error.code == .invalidArgument)
      #expect(error.message.contains("256"))
      let arguments: FieldTable = ["big": .string([UInt8](repeating: 1, count: 200_000))]
      let tooBig = try await failure { try await connection.declareQueue("x", arguments: arguments) }
      #expect(tooBig.code == .invalidArgument)
      let prefetch = try await failure { try await connection.setPrefetch(70_000) }
      #expect(prefetch.code == .invalidArgument)
      try await connection.setPrefetch(1)
    }
  }
}
