import AMQP
import Foundation
import Testing

/// What happens at once may take so long on a machine that is busy with the other tests. What must not be waited for
/// (the default heartbeat's two intervals, a time-out set to a minute, for ever) takes longer.
let soon = Duration.seconds(25)

/// The broker that `scripts/test` starts for the suites.
enum TestBroker {
  struct Missing: Error, CustomStringConvertible {
    let variable: String
    var description: String { "\(variable) is not set: these tests need a real broker; run them with scripts/test" }
  }

  private static func environment(_ variable: String) throws -> String {
    guard let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty else {
      throw Missing(variable: variable)
    }
    return value
  }

  static func uri() throws -> BrokerURI { try BrokerURI(environment("OSTLER_TEST_AMQP_URI")) }
  static func tlsURI() throws -> BrokerURI { try BrokerURI(environment("OSTLER_TEST_AMQPS_URI")) }
  static func caFile() throws -> String { try environment("OSTLER_TEST_CA") }

  /// Runs rabbitmqctl against it.
  @discardableResult
  static func control(_ arguments: String...) async throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try environment("OSTLER_TEST_RABBITMQCTL"))
    process.arguments = arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      process.terminationHandler = { _ in continuation.resume() }
      do { try process.run() } catch { continuation.resume(throwing: error) }
    }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    try #require(process.terminationStatus == 0, "rabbitmqctl \(arguments): \(text)")
    return text
  }

  /// A name that no other test has.
  static func name(_ what: String) -> String { "test.\(what).\(UUID().uuidString.prefix(13).lowercased())" }
}

/// An open connection for the length of the closure.
func withConnection<Result>(
  to uri: BrokerURI? = nil, _ name: String = #function, options change: (inout ConnectionOptions) -> Void = { _ in },
  _ body: (Connection) async throws -> Result
) async throws -> Result {
  var options = ConnectionOptions(name: name)
  change(&options)
  let connection = Connection(options: options)
  try await connection.open([uri ?? TestBroker.uri()])
  do {
    let result = try await body(connection)
    await connection.close()
    return result
  } catch {
    await connection.close()
    throw error
  }
}

extension Connection {
  /// A queue that goes away with the connection.
  func temporaryQueue(_ what: String, arguments: FieldTable = FieldTable()) async throws -> String {
    let name = TestBroker.name(what)
    try await declareQueue(name, durable: false, exclusive: true, arguments: arguments)
    return name
  }

  /// Publishes all of them, however often it takes (another test may be blocking the broker).
  func publishAll(_ messages: [OutboundMessage]) async throws {
    var rest = messages[...]
    while !rest.isEmpty {
      let published = try await publish(Array(rest))
      rest = rest.dropFirst(published.count)
      if published.count == 0 { try await Task.sleep(for: .milliseconds(20)) }
    }
  }

  func publish(_ text: String, to queue: String, properties: Properties = Properties()) async throws {
    try await publishAll([
      OutboundMessage(exchange: "", routingKey: queue, properties: properties, body: Array(text.utf8))
    ])
  }

  /// Everything that comes in until the closure has seen enough.
  func receive(until isEnough: ([Inbound]) -> Bool) async throws -> [Inbound] {
    var all: [Inbound] = []
    while !isEnough(all) { all += try await receive(maxCount: 1000, maxBytes: 16_777_216) }
    return all
  }

  func deliveries(_ count: Int) async throws -> [Delivery] {
    try await receive { $0.deliveries.count >= count }.deliveries
  }

  /// The next error of `receive`, whatever comes before it.
  func receiveError() async -> AMQPError {
    while true {
      do { _ = try await receive(maxCount: 1000, maxBytes: 1_048_576) } catch { return error }
    }
  }
}

extension [Inbound] {
  var deliveries: [Delivery] {
    compactMap { if case .delivery(let delivery) = $0 { delivery } else { nil } }
  }
}

extension Delivery {
  var text: String { String(decoding: body.bytes, as: UTF8.self) }
}

/// The error of a call that must fail.
func failure(_ call: () async throws -> Void) async throws -> AMQPError {
  do {
    try await call()
  } catch let error as AMQPError {
    return error
  }
  Issue.record("the call should have failed")
  throw CancellationError()
}
