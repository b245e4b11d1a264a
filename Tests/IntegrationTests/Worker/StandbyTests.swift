import AMQP
import Foundation
import TestSupport
import Testing
import Worker

/// Two workers, one lock (failure 30).
@Suite struct StandbyTests {
  @Test(
    "A second worker waits; it takes over when the first is killed, and again when that one stops",
    arguments: [SIGKILL, SIGTERM])
  func takesOver(signal: CInt) async throws {
    try await withStage { stage in
      let first = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      let second = try await stage.start()
      try await eventually("the second says that it is a standby") { await second.readiness.contains("standby") }
      try await sender.send(.enroll(1, op: 1))
      try await subscriber.receives("the first works") { $0.count == 1 }
      #expect(await !second.isReady)
      let report = await second.readiness
      for part in ["store: ready", "consumer: waits for the lock", "publisher: waits for the lock"] {
        #expect(report.contains(part), "\(report)")
      }

      // Commands are on their way while the first goes.
      let orders = (1...100).map { Order.isolate(1, "excluded", op: 100 + $0).with(#""reason":"\#($0)""#) }
      try await sender.send(orders)
      first.send(signal)
      #expect(try await first.ends() == (signal == SIGKILL ? -Int(SIGKILL) : 0))
      try await second.becomesReady()
      // Another queue: nothing says which of the two comes first.
      try await eventually("all are decided") {
        try stage.probe().number("SELECT count(*) FROM operations") == 101
      }
      let answer = try await sender.ask(.unisolate(1, op: 2))
      #expect(answer.outcome == "applied")
      let newest = try Int64(stage.probe().number("SELECT last_position FROM meta"))
      let events = try await subscriber.receives("everything") { ($0.last?.position ?? 0) >= newest }
      #expect(try Promises.broken(received: events, store: stage.probe(), keys: 102) == [])
    }
  }

  @Test("Two workers on different stores and the same queues: one consumes, the other waits")
  func differentStores() async throws {
    try await withStage { stage in
      let first = try await stage.worker()
      let second = try await stage.start(["OSTLER_STORE_PATH": stage.directory.path + "/other.sqlite"])
      try await eventually("the second waits") { await second.readiness.contains("standby") }
      let sender = try await Sender(stage)
      for id in 1...20 as ClosedRange<Int64> { #expect(try await sender.ask(.enroll(id)).outcome == "applied") }
      #expect(try stage.probe().number("SELECT count(*) FROM servers") == 20)
      #expect(await first.isReady)
      second.send(SIGTERM)
      #expect(try await second.ends() == 0, "a standby stops when asked to")
    }
  }

  @Test("A worker that was frozen and lost its store to another one stands down and commits nothing")
  func fenced() async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let sender = try await Sender(stage)
      _ = try await sender.ask(.enroll(1, op: 1))
      // What another worker's start does to the store.
      try stage.probe().rows("UPDATE meta SET worker = randomblob(16) WHERE id = 1")
      try await sender.send(.isolate(1, op: 2))
      // It is alone here, so it gets the lock again and takes the store back.
      try await eventually("applied after all") {
        try stage.probe().number("SELECT version FROM servers WHERE id = 1") == 2
      }
      try await worker.becomesReady()
      #expect(worker.log.contains("another worker has taken over the store"))
      #expect(try stage.probe().number("SELECT count(*) FROM dead_letters") == 0)
    }
  }
}
