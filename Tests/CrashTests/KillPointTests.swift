import AMQP
import Foundation
import TestSupport
import Testing
import Worker

/// Killed as by a power cut at the three places where it matters (failures 1 to 4): before the commit, after it and
/// before the ack, after an event was confirmed and before that was marked. Every other place is in the acceptance suite
/// (`test_kill_points.py`), with a judge of its own.
@Suite struct KillPointTests {
  enum Load: String, CaseIterable, Sendable { case lone, batched }

  private static let points: [KillPoint] = [.beforeCommit, .afterCommit, .afterPublish]

  @Test(
    "Killed there, then started again: every command has one outcome, and the story is whole",
    arguments: points, Load.allCases)
  func killed(at point: KillPoint, load: Load) async throws {
    for time in [1, 3] {
      try await withStage(settings: ["OSTLER_AMQP_PREFETCH": "20"]) { stage in
        try await stage.declare()
        let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
        // One queue and a small prefetch: twenty batches and more, and not all of their events are confirmed at once.
        let orders = (1...400).map { Order.enroll($0, op: UInt64($0)) }
        let killed: WorkerProcess
        let sent: [Order]
        switch load {
        case .batched:
          sent = orders
          try await sender.send(sent)
          killed = try await stage.start([KillPoint.variable: "\(point.rawValue):\(time)"])
        case .lone:
          killed = try await stage.start([KillPoint.variable: "\(point.rawValue):\(time)"])
          sent = Array(orders.prefix(6))
          for (index, order) in sent.enumerated() {
            try await sender.send(order)
            try await eventually("it is told, or dead") {
              !killed.isRunning || subscriber.events.value.contains { $0.position == Int64(index + 1) }
            }
          }
        }
        #expect(try await killed.ends() == -Int(SIGKILL))
        let probe = try stage.probe()
        let decided = try probe.number("SELECT count(*) FROM operations")
        let waiting = try probe.number("SELECT count(*) FROM outbox")
        if point == .beforeCommit {
          if time == 1 { #expect(decided == 0) }
        } else {
          #expect(decided > 0)
          #expect(waiting > 0)
        }

        let worker = try await stage.worker()
        let events = try await subscriber.receives("\(point), \(load), \(time)") {
          Set($0.map(\.id)).count >= sent.count
        }
        try await eventually("the outbox is empty") { try probe.number("SELECT count(*) FROM outbox") == 0 }
        #expect(
          try Promises.broken(received: events, store: probe, keys: sent.count) == [], "\(point), \(load), \(time)")
        #expect(try probe.number("SELECT count(*) FROM dead_letters") == 0)
        if point == .afterCommit {
          try await eventually("answered from the dedup row") { await worker.duplicates > 0 }
        }
        if point == .afterPublish {
          #expect(subscriber.events.value.count > sent.count, "published again, with the same id")
        }
      }
    }
  }

  @Test(
    "Killed while it takes in what the broker dead-lettered: each is one letter and one event",
    arguments: points)
  func takingIn(point: KillPoint) async throws {
    try await withStage(settings: ["OSTLER_AMQP_PREFETCH": "20"]) { stage in
      try await stage.declare()
      let subscriber = try await Subscriber(stage)
      let connection = try await stage.connect()
      try await connection.enableConfirms()
      _ = try await connection.publish(
        (1...30).map {
          .init(
            exchange: stage.topology.commandsExchange, routingKey: "alocate", properties: .init(messageID: "m\($0)"),
            body: Array("{\"number\":\($0)}".utf8))
        })
      let killed = try await stage.start([KillPoint.variable: point.rawValue])
      #expect(try await killed.ends() == -Int(SIGKILL))
      _ = try await stage.worker()
      let events = try await subscriber.receives("30 letters told") { Set($0.map(\.id)).count >= 30 }
      let probe = try stage.probe()
      #expect(try probe.number("SELECT count(*) FROM dead_letters WHERE code = 'unknown-command'") == 30)
      #expect(try probe.number("SELECT count(DISTINCT body) FROM dead_letters") == 30)
      #expect(Set(events.map(\.data.deadLetterId)).count == 30)
      #expect(try Promises.broken(received: events, store: probe) == [])
      await connection.close()
    }
  }

  @Test("Killed in the middle of a snapshot, twice: it goes on, and ends once with the right count")
  func snapshot() async throws {
    try await withStage { stage in
      let first = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage, keys: ["server.#"]), try await Sender(stage))
      try await sender.send((1...1500).map { .enroll($0) })
      try await subscriber.receives("1500 enrolled") { $0.count >= 1500 }
      // The next batch's transaction notes it; its parts follow.
      try await sender.send(.snapshot(op: 1))
      try await subscriber.receives("it has begun") { $0.contains(where: \.isSnapshot) }
      try await first.crash()
      for _ in 0..<2 {
        let worker = try await stage.start()
        let published = subscriber.events.value.count
        try await subscriber.receives("it goes on, or has ended") { events in
          events.count > published || events.contains { $0.name == "snapshotCompleted" }
        }
        try await worker.crash()
      }
      _ = try await stage.worker()
      let events = try await subscriber.receives("the end") { $0.contains { $0.name == "snapshotCompleted" } }
      let probe = try stage.probe()
      try await eventually("the outbox is empty") { try probe.number("SELECT count(*) FROM outbox") == 0 }
      #expect(try Promises.broken(received: events, store: probe) == [])
      var seen: Set<String> = []
      let once = subscriber.events.value.filter { seen.insert($0.id).inserted }
      #expect(once.filter { $0.name == "snapshot" }.map(\.source) == (1...1500).map { "/servers/\($0)" })
      let ends = once.filter { $0.name == "snapshotCompleted" }
      #expect(ends.map(\.data.count) == [1500])
    }
  }

  @Test("A message that ends the process every time is kept after the third, and its neighbours are applied")
  func poison() async throws {
    try await withStage { stage in
      try await stage.declare()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      var orders = (1...20).map { Order.enroll(Int64($0), op: UInt64($0)) }
      orders.insert(Order.enroll(99, op: 99).messageID("poison"), at: 10)
      try await sender.send(orders)
      // The first end is over a whole batch; after it messages are taken one at a time, and noted.
      var ends = 0
      while ends < 6 {
        let worker = try await stage.start([KillPoint.poisonVariable: "poison"])
        try await eventually("it has ended, or is through") {
          !worker.isRunning || (try? stage.probe().number("SELECT count(*) FROM dead_letters")) == 1
        }
        if worker.isRunning { break }
        ends += 1
      }
      #expect((3...4).contains(ends), "\(ends)")
      let events = try await subscriber.receives("20 neighbours and a letter") { Set($0.map(\.id)).count >= 21 }
      let probe = try stage.probe()
      #expect(try probe.rows("SELECT code, server_id FROM dead_letters") == [["worker-crash", ""]])
      #expect(try probe.number("SELECT count(*) FROM servers") == 20)
      #expect(try Promises.broken(received: events, store: probe, keys: 20) == [])
    }
  }
}

extension WorkerProcess {
  /// Commands that it answered with a stored outcome.
  var duplicates: Double {
    get async {
      await metric(#"ostler_commands_duplicate{command="enroll"}"#)
        + metric(#"ostler_commands_duplicate{command="isolate"}"#)
    }
  }
}
