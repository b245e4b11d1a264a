import AMQP
import Foundation
import Lifecycle
import TestSupport
import Testing
import Worker

/// What the broker does to the worker (failures 9, 12, 13, 14, 15).
@Suite struct BrokerTroubleTests {
  @Test("All of its connections closed, under load, twice: it connects again and both promises hold")
  func connectionsClosed() async throws {
    try await withStage(ownVirtualHost: true) { stage in
      let worker = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      var sent: UInt64 = 0
      for round in 1...2 as ClosedRange<UInt64> {
        let orders = (1...600).map { Order.enroll(Int64(sent + $0), op: sent + $0) }
        sent += 600
        let sending = Task { try await sender.send(orders) }
        try await TestBroker.closeWorkerConnections(in: stage.uri.virtualHost)
        try await eventually("it has noticed") {
          await worker.metric(#"ostler_connection_reconnects{connection="consumer"}"#) >= Double(round)
        }
        try await sending.value
        let wanted = sent
        try await subscriber.receives("round \(round)") { Set($0.map(\.id)).count >= wanted }
        try await worker.becomesReady()
      }
      #expect(try await sender.ask(.isolate(1)).outcome == "applied")
      let events = try await subscriber.receives("the last") { Set($0.map(\.id)).count >= 1201 }
      #expect(try Promises.broken(received: events, store: stage.probe()) == [])
    }
  }

  @Test("The publishing connection lost, again and again under load: published again from the first unconfirmed one on")
  func publisherLost() async throws {
    try await withStage(ownVirtualHost: true) { stage in
      let worker = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      let sending = Task { try await sender.send((1...3000).map { .enroll($0, op: UInt64($0)) }) }
      try await subscriber.receives("it publishes") { $0.count > 10 }
      try await TestBroker.closeWorkerConnections(
        "publisher", in: stage.uri.virtualHost, times: 8, every: .milliseconds(150))
      try await sending.value
      let events = try await subscriber.receives("all") { Set($0.map(\.id)).count >= 3000 }
      #expect(try Promises.broken(received: events, store: stage.probe(), keys: 3000) == [])
      #expect(await worker.metric(#"ostler_connection_reconnects{connection="consumer"}"#) == 0)
      #expect(await worker.metric("ostler_events_restarted") >= 1)
      #expect(await worker.metric(#"ostler_connection_reconnects{connection="publisher"}"#) >= 1)
    }
  }

  @Test("The replying connection lost: the next answer comes over a new one, which is counted")
  func replierLost() async throws {
    try await withStage(ownVirtualHost: true) { stage in
      let worker = try await stage.worker()
      let sender = try await Sender(stage)
      _ = try await sender.ask(.enroll(1))
      let series = #"ostler_connection_reconnects{connection="replier"}"#
      #expect(await worker.metric(series) == 0, "the first one is no reconnect")
      try await TestBroker.closeWorkerConnections("replier", in: stage.uri.virtualHost)
      try await eventually("counted") {
        // Until the worker has seen the loss, an answer may go out over the old connection and be lost with it.
        try await sender.send(.unisolate(1).asking("amq.rabbitmq.reply-to", "any"))
        return await worker.metric(series) >= 1
      }
      #expect(try await sender.ask(.isolate(1)).outcome == "applied")
    }
  }

  @Test("A queue whose whole prefetch could be parked never starves what the parked ones wait for")
  func parkedPrefetch() async throws {
    try await withStage(settings: ["OSTLER_AMQP_PREFETCH": "5", "OSTLER_PARKING_PATIENCE": "2s"]) { stage in
      _ = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      try await sender.send((1...40).map { .isolate($0, op: UInt64($0)) })
      try await sender.send((1...40).map { .enroll($0, op: UInt64(100 + $0)) })
      let events = try await subscriber.receives("80 outcomes") { Set($0.map(\.id)).count >= 80 }
      let probe = try stage.probe()
      #expect(try Promises.broken(received: events, store: probe, keys: 80) == [])
      #expect(try probe.number("SELECT count(*) FROM dead_letters WHERE code <> 'unknown-server'") == 0)
    }
  }

  @Test("A link that flaps under a full prefetch dead-letters nothing and loses nothing")
  func flapping() async throws {
    try await withStage(ownVirtualHost: true) { stage in
      try await stage.declare()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      // Half of them wait for an enroll that comes at the end; each loss returns them all.
      try await sender.send((1...150).map { .isolate($0, op: UInt64($0)) })
      let worker = try await stage.worker()
      try await eventually("parked") { await worker.metric("ostler_commands_parked") == 150 }
      // How many of them meet a connection is a matter of how fast it comes back.
      try await eventually("lost five times at least") {
        try await TestBroker.closeWorkerConnections(in: stage.uri.virtualHost, times: 15, every: .milliseconds(200))
        return await worker.metric(#"ostler_connection_reconnects{connection="consumer"}"#) >= 5
      }
      try await sender.send((1...150).map { .enroll($0, op: UInt64($0)) })
      let events = try await subscriber.receives("300 changes") { Set($0.map(\.id)).count >= 300 }
      let probe = try stage.probe()
      #expect(try probe.number("SELECT count(*) FROM dead_letters") == 0)
      #expect(try Promises.broken(received: events, store: probe, keys: 300) == [])
    }
  }

  @Test(
    "Permissions revoked while it runs: it says so, backs off without hammering, and goes on when they are back",
    arguments: [
      "login", "configure",
    ])
  func permissionsRevoked(which: String) async throws {
    try await withStage(ownVirtualHost: true) { stage in
      let worker = try await stage.worker()
      let sender = try await Sender(stage)
      _ = try await sender.ask(.enroll(1, op: 1))
      let (virtualHost, user) = (stage.uri.virtualHost, stage.uri.user)
      if which == "login" {
        try await TestBroker.control("clear_permissions", "-p", virtualHost, user)
      } else {
        try await TestBroker.control("set_permissions", "-p", virtualHost, user, ".*worker$", ".*", ".*")
      }
      try await TestBroker.closeWorkerConnections(in: virtualHost)
      try await eventually("it says so; it logged:\n\(worker.log)") {
        worker.log.contains("refused for user") || worker.log.contains("not allowed")
      }
      #expect(await !worker.isReady)
      // It tries again, each time later than the time before.
      try await eventually("three tries") { worker.log.components(separatedBy: "not consuming").count > 3 }
      #expect(worker.isRunning)
      #expect(worker.log.components(separatedBy: "not consuming").count < 8)
      try await TestBroker.control("set_permissions", "-p", virtualHost, user, ".*", ".*", ".*")
      try await worker.becomesReady()
      #expect(try await sender.ask(.isolate(1, op: 2)).outcome == "applied")
    }
  }

  @Test("A queue deleted under it, again and again, is declared and subscribed to again, and the others go on")
  func queueDeleted() async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let sender = try await Sender(stage)
      _ = try await sender.ask(.enroll(1, op: 1))
      let connection = try await stage.connect()
      let queue = stage.topology.commandQueue(.isolate)
      for round in 1...5 as ClosedRange<UInt64> {
        try await worker.consumesAgain { try await connection.deleteQueue(queue) }
        #expect(try await sender.ask(.isolate(1, op: 10 * round)).outcome == "applied")
        #expect(try await sender.ask(.unisolate(1, op: 10 * round)).outcome == "applied")
      }
      #expect(worker.log.contains(queue))
      #expect(await worker.isReady)
      await connection.close()
    }
  }

  @Test("The dead-letter queue deleted: declared again before anything could get lost in it")
  func deadLettersDeleted() async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let (connection, sender) = (try await stage.connect(), try await Sender(stage))
      try await connection.enableConfirms()
      for round in 1...5 {
        try await worker.consumesAgain { try await connection.deleteQueue(stage.topology.deadLettersQueue) }
        // Unroutable: goes through the alternate exchange into that queue.
        _ = try await connection.publish([
          OutboundMessage(
            exchange: stage.topology.commandsExchange, routingKey: "alocate",
            properties: Properties(messageID: "m\(round)"), body: Array("{}".utf8))
        ])
        try await eventually("taken in") {
          try stage.probe().number("SELECT count(*) FROM dead_letters WHERE code = 'unknown-command'") == round
        }
      }
      #expect(try await sender.ask(.enroll(1)).outcome == "applied")
      await connection.close()
    }
  }

  @Test("The consumer time-out closes the channel: a fresh subscription, what was parked comes again, no stale ack")
  func consumerTimeout() async throws {
    try await withStage { stage in
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      let worker = try await TestBroker.with(.channelTickInterval, .milliseconds(500)) {
        let worker = try await TestBroker.with(.consumerTimeout, .seconds(2)) { try await stage.worker() }
        try await sender.send(.enroll(2, op: 1), .isolate(1, op: 2), .isolate(2, op: 3))
        try await eventually("the broker has closed the channel") { worker.log.contains("subscribing again") }
        return worker
      }
      try await worker.becomesReady()
      #expect(try await sender.ask(.enroll(1, op: 4)).outcome == "applied")
      let events = try await subscriber.receives("four changes") { $0.count >= 4 }
      #expect(try Promises.broken(received: events, store: stage.probe(), keys: 4) == [])
    }
  }

  @Test(
    "Events that the broker refuses stay in the outbox, go out again with the same id, in order, at a measured pace")
  func nacked() async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      let full = try await FullQueue(stage, room: 3)
      let begun = ContinuousClock.now
      try await sender.send((1...50).map { .enroll($0, op: UInt64($0)) })
      try await eventually("refused five times") { await worker.metric("ostler_events_restarted") >= 5 }
      #expect(ContinuousClock.now - begun > .milliseconds(200), "five refusals in a row need a pause between them")
      // Commands go on meanwhile.
      #expect(try await sender.ask(.isolate(1, op: 51)).outcome == "applied")
      #expect(try stage.probe().number("SELECT count(*) FROM outbox") >= 47)
      try await full.delete()
      let events = try await subscriber.receives("all of them") { Set($0.map(\.id)).count >= 51 }
      #expect(events.count > 51, "some came more than once")
      #expect(try Promises.broken(received: events, store: stage.probe(), keys: 51) == [])
      try await eventually("the outbox is empty") { try stage.probe().number("SELECT count(*) FROM outbox") == 0 }
      #expect(await worker.isReady)
    }
  }

  @Test("Thousands of events behind one that the broker refuses: they are not published over and over without a pause")
  func nackedUnderLoad() async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      let full = try await FullQueue(stage, room: 3)
      try await sender.send((1...2000).map { .enroll($0, op: UInt64($0)) })
      let probe = try stage.probe()
      try await eventually("all committed") { try probe.number("SELECT count(*) FROM servers") == 2000 }
      let begun = ContinuousClock.now
      let before = await worker.metric("ostler_events_restarted")
      try await eventually("refused five times more") { await worker.metric("ostler_events_restarted") >= before + 5 }
      #expect(ContinuousClock.now - begun > .milliseconds(1500), "refusals in a row need longer and longer pauses")
      try await full.delete()
      let events = try await subscriber.receives("all of them") { Set($0.map(\.id)).count >= 2000 }
      #expect(try Promises.broken(received: events, store: probe, keys: 2000) == [])
    }
  }

  @Test("A memory alarm: consuming and acking go on, the outbox grows, and the relay resumes when it is over")
  func memoryAlarm() async throws {
    try await withStage { stage in
      try await stage.declare()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      try await sender.send((1...400).map { .enroll($0, op: UInt64($0)) })
      try await TestBroker.duringMemoryAlarm {
        _ = try await stage.start()
        let probe = try await eventually("the store is there") { try? stage.probe() }
        try await eventually("all committed under the alarm") {
          (try? probe.number("SELECT count(*) FROM servers")) == 400
        }
        let queue = stage.topology.commandQueue(.enroll)
        try await eventually("all acked under the alarm") {
          try await TestBroker.control("-q", "list_queues", "name", "messages").contains("\(queue)\t0\n")
        }
        #expect(try probe.number("SELECT count(*) FROM outbox") > 0)
      }
      let events = try await subscriber.receives("all, once the alarm is over") { Set($0.map(\.id)).count >= 400 }
      #expect(try Promises.broken(received: events, store: stage.probe(), keys: 400) == [])
    }
  }
}

extension WorkerProcess {
  /// Waits until it has subscribed anew after what the closure does.
  fileprivate func consumesAgain(after change: () async throws -> Void) async throws {
    let before = log.components(separatedBy: "INFO consuming").count
    try await change()
    try await eventually("it subscribes again; it logged:\n\(self.log)") {
      self.log.components(separatedBy: "INFO consuming").count > before
    }
    try await becomesReady()
  }
}
