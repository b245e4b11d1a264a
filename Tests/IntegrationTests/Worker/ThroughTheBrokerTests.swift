import AMQP
import Lifecycle
import TestSupport
import Testing
import Worker

/// The worker as a process, commands through a real broker.
@Suite struct ThroughTheBrokerTests {
  @Test("Each of the thirteen commands is applied, told and answered; then each again is a duplicate")
  func everyCommand() async throws {
    try await withStage { stage in
      _ = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      let orders: [Order] = [
        .enroll(1, "new", op: 1),
        .unisolate(1, op: 2),
        .available(1, op: 3),
        .quota(7, op: 4),
        .allocate(7, op: 5),
        Order(.compensate, #""serverId":1,"clientId":7,"reason":"did not boot""#, operation: 6),
        .available(1, op: 7),
        .allocate(7, op: 8),
        .deallocate(1, 7, op: 9),
        .isolate(1, op: 10),
        Order(.reclassify, #""serverId":1,"instanceTypeId":127"#, operation: 11),
        .quarantine(1, op: 12),
        Order(.unquarantine, #""serverId":1,"outcome":"restore","reason":"done""#, operation: 13),
        .snapshot(#""serverId":1"#, op: 14),
        .decommission(1, op: 15),
      ]
      #expect(Set(orders.map(\.command)) == Set(CommandName.allCases))
      var answers: [JSONNode] = []
      for order in orders {
        let answer = try await sender.ask(order)
        #expect(answer.outcome == "applied", "\(order): \(answer)")
        answers.append(answer)
      }
      for (order, first) in zip(orders, answers) {
        let again = try await sender.ask(order)
        #expect(again.duplicate == true)
        #expect(again.outcome == first.outcome)
        #expect(again.server == first.server)
        #expect(again.eventIds == first.eventIds)
      }
      let events = try await subscriber.receives("everything") { $0.count >= 16 }
      #expect(
        events.map(\.name) == [
          "enrolled", "unisolated", "available", "set", "allocated", "compensated", "available", "allocated",
          "deallocated", "isolated", "reclassified", "quarantined", "unquarantined", "snapshot", "snapshotCompleted",
          "decommissioned",
        ])
      #expect(try Promises.broken(received: events, store: stage.probe(), keys: orders.count) == [])
    }
  }

  @Test("Probes and metrics are served at an address that is a name, too")
  func probes() async throws {
    try await withStage(settings: ["OSTLER_HTTP_ADDRESS": "localhost:0"]) { stage in
      let worker = try await stage.worker()
      #expect(await worker.readiness == "store: ready\nlock: ready\nconsumer: ready\npublisher: ready\n")
      #expect(await worker.metric("ostler_worker_active") == 1)
    }
  }

  @Test("An answer goes to a named queue too, with the correlation-id, and never to the worker's own objects")
  func namedQueue() async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let connection = try await stage.connect()
      let queue = "\(stage.topology.namespace)-answers"
      try await connection.declareQueue(queue, durable: false, exclusive: true)
      try await connection.consume(queue)
      let sender = try await Sender(stage)
      try await sender.send(
        Order.enroll(2).asking(stage.topology.eventsLogQueue, "x"), Order.enroll(1).asking(queue, "hello"))
      var answer: Delivery?
      while answer == nil {
        for case .delivery(let delivery) in try await connection.receive(maxCount: 10, maxBytes: 1 << 20) {
          answer = delivery
        }
      }
      #expect(answer?.properties.correlationID == "hello")
      #expect(answer?.properties.contentType == "application/json")
      #expect(try JSONNode(answer?.body.bytes ?? []).server.serverId == 1)
      try await eventually("counted") { await worker.metric(#"ostler_replies{result="sent"}"#) == 1 }
      await connection.close()
    }
  }

  @Test("A forged reply-to harms neither the command nor later answers")
  func forgedReplyTo() async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let sender = try await Sender(stage)
      try await sender.send(Order.enroll(1, op: 1).asking("amq.rabbitmq.reply-to.forged", "x"))
      // The broker closes the connection on which it is used; the next answers go out all the same.
      let answer = try await eventually("an answer after the forged one") {
        try? await sender.ask(.enroll(1, op: 1), within: .seconds(3))
      }
      #expect(answer.duplicate == true)
      #expect(await worker.isReady)
    }
  }

  @Test(
    "Copies, conflicts and overtaking under load: one outcome a key, a whole story, a mirror and a count that agree")
  func underLoad() async throws {
    try await withStage(settings: ["OSTLER_PARKING_PATIENCE": "3s"]) { stage in
      _ = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      var random = SystemRandomNumberGenerator()
      var load = MixedLoad(servers: 40, clients: 5)
      try await sender.send(load.beginning())
      for _ in 0..<6 {
        var orders = load.next(100, using: &random)
        orders += orders.prefix(30)
        orders.shuffle()
        try await sender.send(orders)
      }
      let probe = try stage.probe()
      try await eventually("every operation has an outcome") {
        try probe.number("SELECT count(*) FROM operations") == load.keys
      }
      let newest = try Int64(probe.number("SELECT last_position FROM meta"))
      let events = try await subscriber.receives("the event at \(newest)") { ($0.last?.position ?? 0) >= newest }
      #expect(try Promises.broken(received: events, store: probe, keys: load.keys) == [])
      #expect(try Mirror(following: events).states == probe.states())
      #expect(Counter(counting: events).live == (try probe.liveAllocations()))
    }
  }
}
