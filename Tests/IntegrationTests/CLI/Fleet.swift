import AMQP
import Foundation
import Lifecycle
import Testing
import Worker

/// A namespace of its own on the test broker, with a bench whose settings point there. Gone afterwards.
struct Fleet {
  let bench: Bench
  let topology: Topology

  struct NoBroker: Error, CustomStringConvertible {
    let description = "OSTLER_TEST_AMQP_URI is not set: these tests need a real broker; run them with scripts/test"
  }

  static func uri() throws -> String {
    guard let uri = ProcessInfo.processInfo.environment["OSTLER_TEST_AMQP_URI"], !uri.isEmpty else { throw NoBroker() }
    return uri
  }

  /// A connection to the broker for the length of `body`.
  @discardableResult
  static func withConnection<Result>(_ body: (Connection) async throws -> Result) async throws -> Result {
    let connection = Connection(options: ConnectionOptions(name: "ostler test"))
    try await connection.open([try BrokerURI(try uri())])
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body(connection)) } catch { result = .failure(error) }
    await connection.close()
    return try result.get()
  }

  static func with(_ environment: [String: String] = [:], _ body: (Fleet) async throws -> Void) async throws {
    let name = "test-\(UUID().uuidString.prefix(8).lowercased())"
    let namespace = try #require(Namespace(name))
    let topology = Topology(namespace: namespace, eventsLogMaxAge: .seconds(7 * 86_400))
    var variables = [
      "OSTLER_AMQP_URI": try uri(), "OSTLER_AMQP_NAMESPACE": name, "OSTLER_HTTP_ADDRESS": "127.0.0.1:0",
      "OSTLER_STARTUP_PATIENCE": "10s",
    ]
    variables.merge(environment) { _, own in own }
    let outcome: Result<Void, any Error>
    do {
      try await Bench.with(variables) { try await body(Fleet(bench: $0, topology: topology)) }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    try await withConnection { connection in
      for object in topology.objects.reversed() {
        switch object {
        case .exchange(let name, _): try await connection.deleteExchange(name)
        case .queue(let name, _): try await connection.deleteQueue(name)
        case .binding: break
        }
      }
    }
    try outcome.get()
  }

  /// The topology is there, and a worker is at work on it.
  static func atWork(_ environment: [String: String] = [:], _ body: (Fleet) async throws -> Void) async throws {
    try await with(environment) { fleet in
      let created = try await fleet.bench.ostler("topology")
      try #require(created.status == 0, "\(created.complaints)")
      let (worker, _) = try await fleet.bench.withWorker { try await body(fleet) }
      #expect(worker.status == 0, "\(worker.complaints)")
    }
  }
}
