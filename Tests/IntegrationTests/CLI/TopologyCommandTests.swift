import AMQP
import Foundation
import Lifecycle
import Testing
import Worker

@Suite("ostler topology")
struct TopologyCommandTests {
  @Test("Creates what is missing, checks it, and changes nothing the second time")
  func creates() async throws {
    try await Fleet.with { fleet in
      let before = try await fleet.bench.ostler("topology", "--verify", "--json")
      #expect(before.status == 1)
      #expect(try statuses(before)["missing"] == 18)
      let created = try await fleet.bench.ostler("topology", "--json")
      #expect(created.status == 0)
      #expect(try statuses(created)["created"] == 18)
      let again = try await fleet.bench.ostler("topology", "--json")
      #expect(try statuses(again)["present"] == 18)
      let verified = try await fleet.bench.ostler("topology", "--verify")
      #expect(verified.status == 0)
      #expect(verified.output.contains(fleet.topology.commandQueue(.setQuota)))
    }
  }

  private func statuses(_ ended: Ended) throws -> [String: Int] {
    var counts: [String: Int] = [:]
    for object in try ended.objects() { counts[try #require(object["status"] as? String), default: 0] += 1 }
    return counts
  }

  @Test("An argument that differs is an error that names object, argument, what is there and what was expected")
  func differs() async throws {
    try await Fleet.with { fleet in
      let queue = fleet.topology.commandQueue(.allocate)
      try await Fleet.withConnection { connection in
        try await connection.declareQueue(queue, arguments: ["x-queue-type": "quorum", "x-delivery-limit": 5])
      }
      let ended = try await fleet.bench.ostler("topology")
      #expect(ended.status == 1)
      #expect(ended.complaints.contains("queue \(queue): x-dead-letter-exchange is none on the broker"))
      #expect(ended.complaints.contains("expected \(fleet.topology.deadLettersExchange)"))
      try await completeTopology(fleet, without: queue)
    }
  }

  @Test("The same for the limit of deliveries, whose value the broker tells with its type")
  func differsInNumber() async throws {
    try await Fleet.with { fleet in
      let queue = fleet.topology.deadLettersQueue
      try await Fleet.withConnection { connection in
        try await connection.declareQueue(queue, arguments: ["x-queue-type": "quorum", "x-delivery-limit": 5])
      }
      let ended = try await fleet.bench.ostler("topology")
      #expect(ended.status == 1)
      #expect(ended.complaints.contains("x-delivery-limit is 5 on the broker, expected 1000000"))
      try await completeTopology(fleet, without: queue)
    }
  }

  @Test("For the events log it is a warning")
  func warns() async throws {
    try await Fleet.with { fleet in
      try await Fleet.withConnection { connection in
        try await connection.declareQueue(
          fleet.topology.eventsLogQueue, arguments: ["x-queue-type": "stream", "x-max-age": "1h"])
      }
      let ended = try await fleet.bench.ostler("topology")
      #expect(ended.status == 0)
      #expect(
        ended.complaints.contains(
          "warning: queue \(fleet.topology.eventsLogQueue): x-max-age is 1h on the broker, expected 604800s"))
    }
  }

  /// So that the fleet finds everything that it deletes.
  private func completeTopology(_ fleet: Fleet, without queue: String) async throws {
    try await Fleet.withConnection { connection in try await connection.deleteQueue(queue) }
    let ended = try await fleet.bench.ostler("topology")
    #expect(ended.status == 0, "\(ended.complaints)")
  }
}

@Suite("What the broker says of a difference")
struct InequivalenceTests {
  @Test(
    arguments: [
      (
        "inequivalent arg 'x-max-age' for queue 'a' in vhost '/': received '1s' but current is '2s'", "x-max-age", "1s",
        "2s"
      ),
      (
        "inequivalent arg 'x-delivery-limit' for queue 'a' in vhost '/': received the value '1000' of type 'long' but current is none",
        "x-delivery-limit", "1000", "none"
      ),
      (
        "inequivalent arg 'durable' for exchange 'a' in vhost '/': received 'true' but current is 'false'", "durable",
        "true", "false"
      ),
      (
        "inequivalent arg 'x-x' for queue 'a' in vhost '/': received none but current is the value 'y' of type 'longstr'",
        "x-x", "none", "y"
      ),
    ])
  func reads(text: String, argument: String, expected: String, found: String) throws {
    let difference = try #require(Inequivalence(brokerText: "406 PRECONDITION_FAILED - \(text)"))
    #expect(difference.argument == argument)
    #expect(difference.expected == expected)
    #expect(difference.found == found)
  }

  @Test func refuses() { #expect(Inequivalence(brokerText: "406 PRECONDITION_FAILED - unknown delivery tag 1") == nil) }
}
