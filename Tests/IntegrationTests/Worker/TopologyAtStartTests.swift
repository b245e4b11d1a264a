import AMQP
import Foundation
import Lifecycle
import TestSupport
import Testing
import Worker

/// A broker that is not set up as it must be (failure 22).
@Suite struct TopologyAtStartTests {
  @Test("A queue with another argument: status 78, naming the object, the argument, what is there and what is expected")
  func differs() async throws {
    try await withStage { stage in
      let connection = try await stage.connect()
      let queue = stage.topology.commandQueue(.allocate)
      try await connection.declareQueue(
        queue,
        arguments: [
          "x-queue-type": "quorum", "x-delivery-limit": 5, "x-overflow": "reject-publish",
          "x-dead-letter-exchange": .string(stage.topology.deadLettersExchange),
          "x-dead-letter-strategy": "at-least-once",
        ])
      let worker = try await stage.start()
      #expect(try await worker.ends() == 78)
      for part in [queue, "x-delivery-limit", "5", "1000"] { #expect(worker.log.contains(part), "\(worker.log)") }
      await connection.close()
    }
  }

  @Test("A dead-letter exchange of another kind is refused before any command queue points at it")
  func deadLettersDiffer() async throws {
    try await withStage { stage in
      let connection = try await stage.connect()
      try await connection.declareExchange(stage.topology.deadLettersExchange, kind: .fanout)
      let worker = try await stage.start()
      #expect(try await worker.ends() == 78)
      #expect(worker.log.contains(stage.topology.deadLettersExchange))
      #expect(worker.log.contains("fanout"))
      await #expect(throws: AMQPError.self) {
        try await connection.declareQueue(stage.topology.commandQueue(.allocate), passive: true)
      }
      await connection.close()
    }
  }

  @Test("The events log: missing is told from different, and neither keeps the worker from its work")
  func eventsLog() async throws {
    try await withStage(settings: ["OSTLER_EVENTS_LOG_ENABLED": "true", "OSTLER_AMQP_TOPOLOGY": "verify"]) { stage in
      // Declares everything but the events log.
      try await stage.declare()
      let without = try await stage.worker()
      #expect(without.log.contains("WARNING the events log is missing"), "\(without.log)")
      #expect(!without.log.contains("differs"))
      without.send(SIGTERM)
      #expect(try await without.ends() == 0)

      let connection = try await stage.connect()
      let log = stage.topology.eventsLogQueue
      try await connection.declareQueue(log, arguments: ["x-queue-type": "stream", "x-max-age": "60s"])
      let other = try await stage.worker(["OSTLER_AMQP_TOPOLOGY": "declare"])
      #expect(other.log.contains("WARNING the events log differs"), "\(other.log)")
      #expect(other.log.contains("x-max-age is 60s"))
      try await connection.deleteQueue(log)
      await connection.close()
    }
  }

  @Test("verify creates nothing and stops with the list of what is missing; complete, it runs")
  func verify() async throws {
    try await withStage(settings: ["OSTLER_AMQP_TOPOLOGY": "verify"]) { stage in
      let worker = try await stage.start()
      #expect(try await worker.ends() == 78)
      #expect(worker.log.contains(stage.topology.commandQueue(.setQuota)))
      #expect(worker.log.contains(stage.topology.deadLettersQueue))
      let connection = try await stage.connect()
      await #expect(throws: AMQPError.self) {
        try await connection.declareExchange(stage.topology.eventsExchange, passive: true)
      }
      await connection.close()
      try await stage.declare()
      let running = try await stage.worker()
      #expect(await running.isReady)
      #expect(!running.log.contains("events log"))
    }
  }
}
