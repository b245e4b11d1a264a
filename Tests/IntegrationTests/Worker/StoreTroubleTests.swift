import AMQP
import Foundation
import Lifecycle
import TestSupport
import Testing
import Worker

/// The store is in trouble that is nobody's fault (failure 20).
@Suite struct StoreTroubleTests {
  @Test(
    "Another program holds the write lock: consuming pauses, nothing is acked or dead-lettered, and it goes on by itself"
  )
  func busy() async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let (subscriber, sender) = (try await Subscriber(stage), try await Sender(stage))
      _ = try await sender.ask(.enroll(1, op: 1))
      let probe = try stage.probe()
      try probe.rows("BEGIN IMMEDIATE")
      try await sender.send((2...50).map { .enroll($0, op: UInt64($0)) })
      try await eventually("it says that it is not ready, and why") {
        let readiness = await worker.readiness
        return await !worker.isReady && readiness.contains("consumer: paused")
      }
      #expect(await worker.metric("ostler_consumer_pauses") == 1)
      let connection = try await stage.connect()
      try await eventually("everything is with the broker again") {
        try await connection.declareQueue(stage.topology.commandQueue(.enroll), passive: true).messageCount == 49
      }
      await connection.close()
      try probe.rows("ROLLBACK")
      let events = try await subscriber.receives("everything, by itself") { Set($0.map(\.id)).count >= 50 }
      #expect(try probe.number("SELECT count(*) FROM dead_letters") == 0)
      #expect(try Promises.broken(received: events, store: probe, keys: 50) == [])
      try await worker.becomesReady()
    }
  }

  @Test("SIGTERM while it is paused: it stops all the same, and nothing is lost")
  func stopWhilePaused() async throws {
    try await withStage { stage in
      let worker = try await stage.worker()
      let sender = try await Sender(stage)
      let probe = try stage.probe()
      try probe.rows("BEGIN IMMEDIATE")
      try await sender.send(.enroll(1, op: 1))
      try await eventually("paused") { await worker.metric("ostler_consumer_pauses") == 1 }
      worker.send(SIGTERM)
      // It still wants to note a clean end, for which it waits as long as for any transaction.
      _ = try await worker.ends()
      try probe.rows("ROLLBACK")
      _ = try await stage.worker()
      #expect(try await sender.ask(.enroll(1, op: 1)).outcome == "applied")
    }
  }
}
