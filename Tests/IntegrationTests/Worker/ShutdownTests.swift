import AMQP
import Foundation
import TestSupport
import Testing
import Worker

/// Asked to stop (failure 29).
@Suite struct ShutdownTests {
  @Test(
    "SIGTERM under load: what is in hand is finished, the outbox is empty, status 0, nothing lost",
    arguments: [SIGTERM, SIGINT])
  func underLoad(signal: CInt) async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      let orders = (1...1500).map { Order.enroll(Int64($0), op: UInt64($0)) }
      let sending = Task { try await sender.send(orders) }
      try await subscriber.receives("it is in the middle of it") { $0.count >= 100 }
      worker.send(signal)
      #expect(try await worker.ends() == 0)
      let probe = try stage.probe()
      #expect(try probe.number("SELECT count(*) FROM outbox") == 0)
      #expect(try probe.number("SELECT worker_ended_cleanly FROM meta") == 1)
      let told = try Int64(probe.number("SELECT last_position FROM meta"))
      try await subscriber.receives("all that was committed") { ($0.last?.position ?? 0) >= told }
      try await sending.value
      _ = try await stage.worker()
      let events = try await subscriber.receives("the rest") { $0.count >= 1500 }
      #expect(try Promises.broken(received: events, store: probe, keys: 1500) == [])
    }
  }

  @Test("What is parked comes again after a stop: it is not decided early, and not lost")
  func parked() async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let sender = try await Sender(stage)
      try await sender.send(.isolate(1, op: 1))
      try await eventually("parked") { await worker.metric("ostler_commands_parked") == 1 }
      worker.send(SIGTERM)
      #expect(try await worker.ends() == 0)
      #expect(try stage.probe().number("SELECT count(*) FROM operations") == 0)
      _ = try await stage.worker()
      _ = try await sender.ask(.enroll(1, op: 2))
      try await eventually("applied") {
        try stage.probe().number("SELECT version FROM servers WHERE id = 1") == 2
      }
    }
  }

  @Test("Events that cannot be confirmed: not drained within the grace, status 1, and they go out later")
  func notDrained() async throws {
    try await withStage(settings: ["OSTLER_SHUTDOWN_GRACE": "1s"]) { stage in
      let worker = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      let full = try await FullQueue(stage)
      try await sender.send((1...5).map { .enroll($0, op: UInt64($0)) })
      try await eventually("committed") { try stage.probe().number("SELECT count(*) FROM servers") == 5 }
      worker.send(SIGTERM)
      #expect(try await worker.ends() == 1)
      #expect(worker.log.contains("shutdown.grace"))
      #expect(try stage.probe().number("SELECT count(*) FROM outbox") > 0)
      try await full.delete()
      _ = try await stage.worker()
      let events = try await subscriber.receives("all") { Set($0.map(\.id)).count >= 5 }
      #expect(try Promises.broken(received: events, store: stage.probe(), keys: 5) == [])
    }
  }

  /// What becomes of the broker once the worker is asked to stop.
  enum Broker: CaseIterable {
    case staysAway, comesBack
  }

  @Test(
    "Asked to stop while the broker is away and events wait: it tries for as long as the grace; they go out when the broker is back",
    arguments: Broker.allCases)
  func brokerAway(_ broker: Broker) async throws {
    let grace = broker == .staysAway ? "2s" : "60s"
    try await withStage(ownVirtualHost: true, settings: ["OSTLER_SHUTDOWN_GRACE": grace]) { stage in
      let worker = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      let full = try await FullQueue(stage)
      try await sender.send((1...5).map { .enroll($0, op: UInt64($0)) })
      try await eventually("committed") { try stage.probe().number("SELECT count(*) FROM servers") == 5 }
      try await stage.shutOut(worker)
      let begun = ContinuousClock.now
      worker.send(SIGTERM)
      switch broker {
      case .staysAway:
        #expect(try await worker.ends() == 1)
        #expect(ContinuousClock.now - begun >= .seconds(2), "it had \(grace)")
        #expect(worker.log.contains("shutdown.grace"), "\(worker.log)")
        await full.close()
      case .comesBack:
        try await eventually("it has heard") { worker.log.contains("asked to stop") }
        await full.close()
        #expect(worker.isRunning)
        try await stage.letIn()
        #expect(try await worker.ends() == 0, "\(worker.log)")
        let probe = try stage.probe()
        #expect(try probe.number("SELECT worker_ended_cleanly FROM meta") == 1)
        let events = try await subscriber.receives("all") { Set($0.map(\.id)).count >= 5 }
        #expect(try Promises.broken(received: events, store: probe, keys: 5) == [])
      }
    }
  }

  @Test("Asked to stop while the broker is away and nothing waits: status 0, at once")
  func brokerAwayNothingWaits() async throws {
    try await withStage(ownVirtualHost: true, settings: ["OSTLER_SHUTDOWN_GRACE": "10m"]) { stage in
      let worker = try await stage.worker()
      try await stage.shutOut(worker)
      worker.send(SIGTERM)
      #expect(try await worker.ends() == 0)
    }
  }

  @Test("Asked to stop while it has never reached a broker: it stops")
  func neverConnected() async throws {
    try await withStage(settings: ["OSTLER_AMQP_URI": "amqp://guest:guest@127.0.0.1:1/%2F"]) { stage in
      let worker = try await stage.start()
      try await eventually("it has tried") { worker.log.contains("not consuming") }
      worker.send(SIGTERM)
      #expect(try await worker.ends() == 0)
    }
  }

  @Test("A second signal ends it at once")
  func twice() async throws {
    try await withStage(settings: ["OSTLER_SHUTDOWN_GRACE": "10m"]) { stage in
      let worker = try await stage.worker()
      let sender = try await Sender(stage)
      let full = try await FullQueue(stage)
      try await sender.send((1...5).map { .enroll($0, op: UInt64($0)) })
      try await eventually("committed") { try stage.probe().number("SELECT count(*) FROM servers") == 5 }
      worker.send(SIGTERM)
      try await eventually("it has heard") { worker.log.contains("asked to stop") }
      #expect(worker.isRunning)
      worker.send(SIGTERM)
      #expect(try await worker.ends() == 1)
      try await full.delete()
    }
  }
}

extension Stage {
  /// The broker takes the worker in no more. Whoever else is connected stays so.
  fileprivate func shutOut(_ worker: WorkerProcess) async throws {
    try await TestBroker.control("clear_permissions", "-p", uri.virtualHost, uri.user)
    try await TestBroker.closeWorkerConnections(in: uri.virtualHost)
    try await eventually("it has noticed; it logged:\n\(worker.log)") {
      await !worker.isReady && worker.log.contains("not consuming")
    }
  }

  fileprivate func letIn() async throws {
    try await TestBroker.control("set_permissions", "-p", uri.virtualHost, uri.user, ".*", ".*", ".*")
  }
}

/// A subscriber's queue that is full and makes the broker refuse events (`x-overflow=reject-publish`).
final class FullQueue {
  private let connection: Connection
  private let name: String

  init(_ stage: Stage, room: Int64 = 1) async throws {
    connection = try await stage.connect()
    name = "\(stage.topology.namespace)-full"
    try await connection.declareQueue(
      name, durable: false, exclusive: true,
      arguments: ["x-max-length": .int64(room), "x-overflow": "reject-publish"])
    try await connection.bindQueue(name, to: stage.topology.eventsExchange, routingKey: "#")
  }

  func delete() async throws {
    try await connection.deleteQueue(name)
    await connection.close()
  }

  /// The queue goes with its connection.
  func close() async { await connection.close() }
}
