package import AMQP
import Foundation
import Lifecycle
import Synchronization
package import Worker

/// One test's part of the world: a namespace at the broker, a store, and the workers that it started.
package final class Stage: Sendable {
  package let uri: BrokerURI
  package let topology: Topology
  package let directory: TemporaryDirectory
  package let settings: [String: String]
  private let workers = Mutex<[WorkerProcess]>([])

  init(uri: BrokerURI, settings: [String: String]) throws {
    self.uri = uri
    self.settings = settings
    directory = try TemporaryDirectory()
    let name = "test-\(UUID().uuidString.prefix(13).lowercased())"
    guard let namespace = Namespace(name) else { preconditionFailure("\(name) is a namespace") }
    topology = Topology(namespace: namespace, eventsLogMaxAge: nil)
  }

  /// Starts a worker and waits until it is ready.
  package func worker(_ settings: [String: String] = [:]) async throws -> WorkerProcess {
    let worker = try await start(settings)
    try await worker.becomesReady()
    return worker
  }

  /// Starts a worker.
  package func start(_ settings: [String: String] = [:]) async throws -> WorkerProcess {
    let environment = [
      "OSTLER_AMQP_URI": uri.text, "OSTLER_AMQP_NAMESPACE": topology.namespace.rawValue,
      "OSTLER_STORE_PATH": directory.storePath, "OSTLER_EVENTS_LOG_ENABLED": "false",
    ].merging(self.settings) { $1 }.merging(settings) { $1 }
    let worker = try await WorkerProcess.start(in: directory.path, environment: environment)
    workers.withLock { $0.append(worker) }
    return worker
  }

  package func connect(_ name: String = "test") async throws -> Connection {
    let connection = Connection(options: ConnectionOptions(name: name))
    try await connection.open([uri])
    return connection
  }

  /// Creates exchanges and queues as the worker would.
  package func declare() async throws {
    let connection = try await connect()
    try await topology.declare(on: connection) { _ in }
    await connection.close()
  }

  package func probe() throws -> StoreProbe { try StoreProbe(directory.storePath) }

  /// Where commands and events are, for the message of a test that waited for them in vain.
  package func situation() async -> String {
    let tables = ["operations", "servers", "outbox", "dead_letters"].map { table in
      "\(table) \((try? probe().number("SELECT count(*) FROM \(table)")).map(String.init) ?? "unreadable")"
    }
    var lines = ["the store has " + tables.joined(separator: ", ")]
    for worker in workers.withLock({ $0 }) {
      lines.append("worker \(worker.pid): \(await worker.readiness); it logged at last:")
      lines += worker.log.split(separator: "\n").suffix(4).map { String($0.prefix(300)) }
    }
    return lines.joined(separator: "\n")
  }

  func tearDown() async {
    for worker in workers.withLock({ $0 }) { await worker.end() }
    guard let connection = try? await connect() else { return }
    for object in topology.objects.reversed() {
      switch object {
      case .queue(let name, _): _ = try? await connection.deleteQueue(name)
      case .exchange(let name, _): try? await connection.deleteExchange(name)
      case .binding: break
      }
      try? await connection.openChannel()
    }
    await connection.close()
  }
}

/// Worker processes are heavy: only so many tests with one run at the same time.
private let slots = Slots(3)

package func withStage<Result>(
  ownVirtualHost: Bool = false, settings: [String: String] = [:], _ body: (Stage) async throws -> Result
) async throws -> Result {
  try await slots.take()
  defer { slots.give() }
  let virtualHost = ownVirtualHost ? "test-\(UUID().uuidString.prefix(13).lowercased())" : "/"
  let uri = try TestBroker.uri(virtualHost: virtualHost)
  if ownVirtualHost {
    try await TestBroker.control("add_vhost", virtualHost)
    try await TestBroker.control("set_permissions", "-p", virtualHost, uri.user, ".*", ".*", ".*")
  }
  let stage = try Stage(uri: uri, settings: settings)
  let result: Swift.Result<Result, any Error>
  do {
    result = .success(try await body(stage))
  } catch {
    result = .failure(error)
  }
  await stage.tearDown()
  if ownVirtualHost { _ = try? await TestBroker.control("delete_vhost", virtualHost) }
  return try result.get()
}

/// At most so many at a time.
private final class Slots: Sendable {
  private let free: Watched<Int>

  init(_ count: Int) { free = Watched(count) }

  func take() async throws {
    while true {
      _ = try await free.wait { $0 > 0 }
      let isOurs = free.update { free in
        guard free > 0 else { return false }
        free -= 1
        return true
      }
      if isOurs { return }
    }
  }

  func give() { free.update { $0 += 1 } }
}
