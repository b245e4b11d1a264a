import Foundation
import TestSupport
import Testing
import Worker

/// Killed at random moments, again and again, under a mixed load with duplicates (failure 5).
@Suite struct RandomKillTests {
  @Test("Killed fifteen times at random: both promises, a mirror and a count that agree with the store")
  func killedAgainAndAgain() async throws {
    let seed = ProcessInfo.processInfo.environment["OSTLER_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
    print("OSTLER_TEST_SEED=\(seed)")
    try await withStage(settings: ["OSTLER_AMQP_PREFETCH": "30", "OSTLER_PARKING_PATIENCE": "1s"]) { stage in
      var random = SeededRandom(seed: seed)
      try await stage.declare()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      var load = MixedLoad(servers: 30, clients: 4)
      var earlier = load.beginning()
      try await sender.send(earlier)
      for round in 0..<15 {
        var orders = load.next(40, using: &random)
        earlier += orders
        // Copies of some that came before, of some that have just come.
        orders += (0..<15).map { _ in earlier.randomElement(using: &random) ?? earlier[0] }
        orders.shuffle(using: &random)
        try await sender.send(orders)
        let received = subscriber.events.value.count
        let more = Int.random(in: 0...60, using: &random)
        let worker: WorkerProcess
        switch round % 3 {
        case 0:
          // At the moment at which so many more events have arrived.
          worker = try await stage.start()
          _ = try? await subscriber.receives("some more", within: .seconds(3)) { $0.count >= received + more }
        case 1:
          // At a place in the program, the n-th time.
          let points: [KillPoint] = [.beforeCommit, .afterCommit, .afterPublish]
          let point = points.randomElement(using: &random) ?? .afterCommit
          worker = try await stage.start([KillPoint.variable: "\(point.rawValue):\(more / 3 + 1)"])
          _ = try? await worker.ends(within: .seconds(3))
        default:
          // While it starts: at the moment at which it has logged so much.
          worker = try await stage.start()
          try? await eventually("it has logged", within: .seconds(3)) { worker.log.utf8.count >= more * 7 }
        }
        try await worker.crash()
      }
      _ = try await stage.worker()
      let probe = try stage.probe()
      try await eventually("every operation has an outcome, seed \(seed)") {
        try probe.number("SELECT count(*) FROM operations") >= load.keys
          && probe.number("SELECT count(*) FROM snapshot_runs") == 0
          && probe.number("SELECT count(*) FROM outbox") == 0
      }
      let newest = try Int64(probe.number("SELECT last_position FROM meta"))
      let events = try await subscriber.receives("the event at \(newest)") { $0.contains { $0.position == newest } }
      #expect(try Promises.broken(received: events, store: probe, keys: load.keys) == [], "seed \(seed)")
      #expect(Mirror(following: events).states == (try probe.states()), "seed \(seed)")
      #expect(Counter(counting: events).live == (try probe.liveAllocations()), "seed \(seed)")
      #expect(try probe.number("SELECT count(*) FROM dead_letters WHERE code = 'worker-crash'") == 0, "seed \(seed)")
    }
  }
}
