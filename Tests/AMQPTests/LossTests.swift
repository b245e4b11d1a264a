import AMQP
import Foundation
import Testing

@Suite(.timeLimit(.minutes(2)))
struct LossTests {
  private func connection(_ change: (inout ConnectionOptions) -> Void = { _ in }) -> Connection {
    var options = ConnectionOptions(name: TestBroker.name("loss"))
    change(&options)
    return Connection(options: options)
  }

  @Test("A connection that the broker closes says so, and the same object opens again")
  func closedByBroker() async throws {
    let connection = connection()
    try await connection.open([TestBroker.uri()])
    let version = try #require(await connection.serverVersion)
    #expect(version.split(separator: ".").count >= 3)
    let queue = TestBroker.name("closed")
    try await connection.declareQueue(queue)
    try await connection.publish("kept", to: queue)
    try await connection.consume(queue)
    let before = try await connection.deliveries(1)[0]

    // Only ours: other tests are using the broker.
    let list = try await TestBroker.control("-q", "list_connections", "pid", "client_properties")
    let line = try #require(list.split(separator: "\n").first { $0.contains(connection.options.name) })
    let pid = try #require(line.split(separator: "\t").first)
    async let error = connection.receiveError()
    try await TestBroker.control("close_connection", String(pid), "for a test")
    #expect(await error.code == .connectionClosed)
    #expect(await error.isConnectionLost)
    #expect(await error.cause?.contains("320 CONNECTION_FORCED") == true)
    let after = try await failure { try await connection.declareQueue(queue) }
    #expect(after.isConnectionLost)

    try await connection.open([TestBroker.uri()])
    await connection.ack(before.tag)
    try await connection.consume(queue)
    let again = try await connection.deliveries(1)[0]
    #expect(again.text == "kept" && again.redelivered)
    #expect(again.tag > before.tag)
    try await connection.deleteQueue(queue)
    await connection.close()
  }

  @Test("Opening twice is refused and harms nothing; closing twice is harmless; it opens again after close()")
  func openAndClose() async throws {
    let connection = connection()
    await connection.close()
    try await connection.open([TestBroker.uri()])
    let twice = try await failure { try await connection.open([TestBroker.uri()]) }
    #expect(twice.code == .invalidArgument)
    _ = try await connection.temporaryQueue("open")
    await connection.close()
    await connection.close()
    #expect(await connection.receiveError().code == .closedByUs)
    try await connection.open([TestBroker.uri()])
    _ = try await connection.temporaryQueue("open")
    await connection.close()
  }

  @Test("All addresses are tried; the error lists each, without its password")
  func addresses() async throws {
    let good = try TestBroker.uri()
    // Port 1 on loopback refuses.
    let dead = try BrokerURI("amqp://user:hidden@127.0.0.1:1")
    let connection = connection()
    try await connection.open([dead, good])
    await connection.close()

    let none = try await failure { try await connection.open([dead, BrokerURI("amqp://user:hidden@127.0.0.1:2")]) }
    #expect(none.code == .connectFailed)
    #expect(none.isConnectionLost)
    #expect(none.message.contains("refused"))
    #expect(none.message.contains("127.0.0.1:1") && none.message.contains("127.0.0.1:2"), "\(none)")
    #expect(!none.description.contains("hidden"))

    let empty = try await failure { try await connection.open([]) }
    #expect(empty.code == .invalidArgument)
  }

  @Test("A wrong password, a wrong virtual host and a host without a name are told apart, and the password is not told")
  func refusals() async throws {
    let good = try TestBroker.uri()
    let connection = connection()
    let password = try BrokerURI(host: good.host, port: good.port, user: good.user, password: "hidden")
    let wrong = try await failure { try await connection.open([password]) }
    #expect(wrong.code == .authenticationFailed)
    #expect(!wrong.description.contains("hidden"))

    let virtualHost = try BrokerURI(
      host: good.host, port: good.port, user: good.user, password: good.password, virtualHost: "nowhere")
    let noHost = try await failure { try await connection.open([virtualHost]) }
    #expect(noHost.code == .notAllowed)
    #expect(noHost.cause?.contains("nowhere") == true)

    let name = try await failure { try await connection.open([BrokerURI("amqp://no-such-host.invalid")]) }
    #expect(name.code == .connectFailed)
    #expect(name.message.contains("resolved"))

    // A list with a wrong password in it says that, not that another host is down.
    let list = try await failure { try await connection.open([BrokerURI("amqp://127.0.0.1:1"), password]) }
    #expect(list.code == .authenticationFailed)
    try await connection.open([good])
    await connection.close()
  }

  @Test("A broker that falls silent is noticed within two heartbeats, by whoever waits")
  func silence() async throws {
    let proxy = try TCPProxy(to: TestBroker.uri())
    defer { proxy.stop() }
    let connection = connection { $0.heartbeat = .seconds(2) }
    try await connection.open([proxy.uri(TestBroker.uri())])
    async let error = connection.receiveError()
    // Not a wait for a condition: long enough to see that heartbeats keep an idle connection alive.
    try await Task.sleep(for: .seconds(5))
    try await connection.setPrefetch(1)
    let frozen = ContinuousClock.now
    proxy.freeze()
    #expect(await error.code == .heartbeatTimeout)
    #expect(await error.isConnectionLost)
    #expect(ContinuousClock.now - frozen < soon)
    let closing = ContinuousClock.now
    await connection.close()
    #expect(ContinuousClock.now - closing < soon)
  }

  @Test("close() does not hang with a frozen broker, and ends what waits")
  func closeFrozen() async throws {
    let proxy = try TCPProxy(to: TestBroker.uri())
    defer { proxy.stop() }
    let connection = connection { $0.closeTimeout = .milliseconds(500) }
    try await connection.open([proxy.uri(TestBroker.uri())])
    proxy.freeze()
    async let waiting = connection.receiveError()
    async let asking = failure { try await connection.setPrefetch(1) }
    let started = ContinuousClock.now
    await connection.close()
    #expect(ContinuousClock.now - started < soon)
    #expect(await waiting.code == .closedByUs)
    #expect(try await asking.code == .closedByUs)
  }

  @Test("An unanswered request ends by its time-out, and takes the connection along")
  func requestTimeout() async throws {
    let proxy = try TCPProxy(to: TestBroker.uri())
    defer { proxy.stop() }
    let connection = connection { $0.requestTimeout = .seconds(3) }
    try await connection.open([proxy.uri(TestBroker.uri())])
    proxy.freeze()
    let error = try await failure { try await connection.setPrefetch(1) }
    #expect(error.code == .timedOut)
    #expect(error.isConnectionLost)
    #expect(error.message.contains("prefetch"))
  }

  @Test("A broker that accepts and says nothing is given up; close(), abort() and cancellation do not wait for that")
  func silentLogin() async throws {
    let proxy = try TCPProxy(to: TestBroker.uri())
    defer { proxy.stop() }
    proxy.freeze()
    let silent = try proxy.uri(TestBroker.uri())
    let quick = connection { $0.connectTimeout = .milliseconds(300) }
    #expect(try await failure { try await quick.open([silent]) }.code == .timedOut)

    for end in [0, 1, 2] {
      let slow = connection { $0.connectTimeout = .seconds(60) }
      let opening = Task { try await slow.open([silent]) }
      let started = ContinuousClock.now
      let ending = Task {
        // Before, during or after the beginning: each must do.
        if end > 0 { try await Task.sleep(for: .milliseconds(100)) }
        switch end {
        case 0: opening.cancel()
        case 1: slow.abort()
        default: await slow.close()
        }
      }
      let error = try await failure { _ = try await opening.value }
      #expect(error.code == (end == 0 ? .cancelled : .closedByUs))
      try await ending.value
      #expect(ContinuousClock.now - started < soon)
    }
  }

  @Test("abort() ends a waiting receive() at once")
  func abort() async throws {
    let connection = connection()
    try await connection.open([TestBroker.uri()])
    async let error = connection.receiveError()
    connection.abort()
    #expect(await error.code == .closedByUs)
  }

  @Test("Closing under load, in the middle of deliveries and publishes, is orderly")
  func closeUnderLoad() async throws {
    for _ in 0..<5 {
      let connection = connection()
      try await connection.open([TestBroker.uri()])
      let queue = try await connection.temporaryQueue("load")
      try await connection.consume(queue, noAck: true)
      let message = OutboundMessage(exchange: "", routingKey: queue, body: [UInt8](repeating: 0, count: 2000))
      async let publishing = failure {
        while true { try await connection.publishAll([OutboundMessage](repeating: message, count: 500)) }
      }
      let (first, isReceiving) = AsyncStream.makeStream(of: Void.self)
      let receiving = Task {
        while true {
          _ = try await connection.receive(maxCount: 100, maxBytes: 1_000_000)
          isReceiving.yield()
        }
      }
      for await _ in first { break }
      await connection.close()
      #expect(try await publishing.code == .closedByUs)
      #expect(try await failure { try await receiving.value }.code == .closedByUs)
    }
  }

  @Test("Publishing into a broker that does not read ends: by cancellation with a count, by silence with an error")
  func publishFrozen() async throws {
    let proxy = try TCPProxy(to: TestBroker.uri())
    defer { proxy.stop() }
    let connection = connection { $0.heartbeat = .seconds(2) }
    try await connection.open([proxy.uri(TestBroker.uri())])
    try await connection.enableConfirms()
    let queue = try await connection.temporaryQueue("frozen")
    proxy.freeze()
    let message = OutboundMessage(exchange: "", routingKey: queue, body: [UInt8](repeating: 0, count: 100_000))
    // Far more than the sockets on the way can hold.
    let messages = [OutboundMessage](repeating: message, count: 500)
    let publishing = Task { try await connection.publish(messages) }
    publishing.cancel()
    let published = try await publishing.value
    #expect(published.first == 1 && published.count < messages.count)
    let error = try await failure { _ = try await connection.publish(messages) }
    #expect(error.code == .heartbeatTimeout)
    let afterwards = try await failure { _ = try await connection.publish(messages) }
    #expect(afterwards.code == .heartbeatTimeout && afterwards.isConnectionLost)
  }

  @Test("A connection object that is dropped while open ends by itself")
  func dropped() async throws {
    let name = TestBroker.name("dropped")
    do {
      let connection = Connection(options: ConnectionOptions(name: name))
      try await connection.open([TestBroker.uri()])
      #expect(try await TestBroker.control("-q", "list_connections", "client_properties").contains(name))
    }
    while try await TestBroker.control("-q", "list_connections", "client_properties").contains(name) {}
  }
}
