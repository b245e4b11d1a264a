import AMQP
import Foundation
import Testing

@Suite(.timeLimit(.minutes(2)))
struct TLSTests {
  private func connection(_ change: (inout ConnectionOptions) throws -> Void) throws -> Connection {
    var options = ConnectionOptions(name: "TLS")
    options.tls.caFile = try TestBroker.caFile()
    try change(&options)
    return Connection(options: options)
  }

  @Test("Everything works over TLS: bodies of many records, confirms, batches in both directions")
  func works() async throws {
    let caFile = try TestBroker.caFile()
    try await withConnection(to: TestBroker.tlsURI(), options: { $0.tls.caFile = caFile }) { connection in
      let queue = try await connection.temporaryQueue("tls")
      try await connection.enableConfirms()
      try await connection.setPrefetch(50)
      let bodies = (0..<2000).map { [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: 1 + $0 * 5) }
      let messages = bodies.map {
        OutboundMessage(exchange: "", routingKey: queue, properties: Properties(headers: ["n": 1]), body: $0)
      }
      try await connection.consume(queue)
      async let publishing: Void = connection.publishAll(messages)
      var received: [Delivery] = []
      while received.count < bodies.count {
        let batch = try await connection.receive(maxCount: 20, maxBytes: 50_000).deliveries
        received += batch
        if let last = batch.last { await connection.ack(last.tag, multiple: true) }
      }
      try await publishing
      #expect(received.map(\.body) == bodies.map { .whole($0) })
    }
  }

  @Test("A certificate for another host is refused, unless nobody looks")
  func hostName() async throws {
    let uri = try TestBroker.tlsURI()
    // The same address under a name that is not in the certificate.
    let other = try BrokerURI(host: "127.1", port: uri.port, user: uri.user, password: uri.password, usesTLS: true)
    let error = try await failure { try await connection { _ in }.open([other]) }
    #expect(error.code == .tlsFailed)
    #expect(error.message.contains("127.1"), "\(error)")
    let careless = try connection { $0.tls.verifyHostName = false }
    try await careless.open([other])
    await careless.close()
  }

  @Test("A certificate of an authority that we do not trust is refused")
  func authority() async throws {
    let error = try await failure { try await connection { $0.tls.caFile = nil }.open([TestBroker.tlsURI()]) }
    #expect(error.code == .tlsFailed)
    #expect(error.message.contains("authority") || error.message.contains("handshake"), "\(error)")
    let missing = try await failure {
      try await connection { $0.tls.caFile = "/nonexistent/ca.pem" }.open([TestBroker.tlsURI()])
    }
    #expect(missing.code == .tlsFailed)
    #expect(missing.message.contains("/nonexistent/ca.pem"))
  }

  @Test("A port without TLS is told apart from a broker that is down")
  func notTLS() async throws {
    let uri = try TestBroker.uri()
    let wrong = try BrokerURI(host: uri.host, port: uri.port, usesTLS: true)
    let error = try await failure { try await connection { _ in }.open([wrong]) }
    #expect(error.code == .tlsFailed)
    #expect(error.message.contains("port \(uri.port)"), "\(error)")
  }

  @Test("A silent peer is noticed, and close() does not hang")
  func silence() async throws {
    let uri = try TestBroker.tlsURI()
    let proxy = try TCPProxy(to: uri)
    defer { proxy.stop() }
    let connection = try connection {
      $0.heartbeat = .seconds(2)
      $0.closeTimeout = .milliseconds(300)
    }
    try await connection.open([proxy.uri(uri)])
    async let error = connection.receiveError()
    try await connection.setPrefetch(1)
    proxy.freeze()
    let frozen = ContinuousClock.now
    #expect(await error.code == .heartbeatTimeout)
    #expect(ContinuousClock.now - frozen < soon)
    await connection.close()
  }

  @Test("A send that is stuck in the library is ended by the watch")
  func stuckSend() async throws {
    let uri = try TestBroker.tlsURI()
    let proxy = try TCPProxy(to: uri)
    defer { proxy.stop() }
    let connection = try connection { $0.heartbeat = .seconds(1) }
    try await connection.open([proxy.uri(uri)])
    let queue = try await connection.temporaryQueue("stuck")
    proxy.freeze()
    // Larger than all socket buffers on the way.
    let body = [UInt8](repeating: 1, count: 50_000_000)
    let started = ContinuousClock.now
    let error = try await failure {
      _ = try await connection.publish([OutboundMessage(exchange: "", routingKey: queue, body: body)])
    }
    #expect(error.isConnectionLost)
    #expect(ContinuousClock.now - started < soon)
    await connection.close()
  }
}
