import AMQP
import Lifecycle
import Store
import Worker

/// One step of a command's way.
enum Step: String, CaseIterable {
  /// From the bytes of the message to the command, its key and its fingerprint.
  case decode
  /// The state table.
  case decide
  /// The state's document and the event around it.
  case encode
  /// Dedup, decision, every row and the commit, in batches of 500.
  case batch = "batch-of-500"
  /// The same, one command a transaction: what a lone command pays.
  case lone = "batch-of-1"

  func run(_ count: Int) async throws {
    switch self {
    case .decode: decode(count)
    case .decide: decide(count)
    case .encode: encode(count)
    case .batch: try await commit(count, batchSize: 500)
    case .lone: try await commit(count, batchSize: 1)
    }
  }

  private func decode(_ count: Int) {
    let deliveries = (0..<100).map { Sample.delivery($0) }
    var decoded = 0
    for index in 0..<count {
      if case .command = Sample.intake.receive(deliveries[index % 100].0, from: .commands(deliveries[index % 100].1)) {
        decoded += 1
      }
    }
    precondition(decoded == count, "a sample was refused")
  }

  private func decide(_ count: Int) {
    var server = Sample.server
    for index in 0..<count {
      let facts = Facts(now: Sample.now, freshID: UUID128(randomHigh: UInt64(index), randomLow: 1))
      let decision = Lifecycle.decide(
        Sample.command(index), for: server.id, on: server, ifVersion: nil, facts: facts)
      guard case .apply(let transition) = decision else { preconditionFailure("a sample changed nothing") }
      server = transition.server
    }
  }

  private func encode(_ count: Int) {
    var server = Sample.server
    let storeID = UUID128(randomHigh: 1, randomLow: 2)
    let facts = OperationFacts(command: .isolate, operation: UUID128(randomHigh: 3, randomLow: 4).description)
    var bytes = 0
    for index in 0..<count {
      let decided = Lifecycle.decide(
        Sample.command(index), for: server.id, on: server, ifVersion: nil,
        facts: Facts(now: Sample.now, freshID: UUID128(randomHigh: UInt64(index), randomLow: 1)))
      guard case .apply(let transition) = decided else { preconditionFailure("a sample changed nothing") }
      server = transition.server
      let data = StateDocument.encode(server, facts, allocation: transition.allocation)
      let event = StateEvent(
        event: transition.event, serverID: server.id, version: server.version, state: server.state.name,
        locationID: server.locationID, data: data)
      bytes +=
        EventEncoder.encode(
          .state(event), at: EventPlace(storeID: storeID, epoch: 1, position: Int64(index) + 1, time: Sample.now)
        ).bytes.count
    }
    precondition(bytes > 0)
  }

  private func commit(_ count: Int, batchSize: Int) async throws {
    let bench = try await StoreBench.open(servers: 1000)
    var start = 0
    while start < count {
      let size = min(batchSize, count - start)
      try await bench.process((start..<(start + size)).map(Sample.received), deletingOutbox: true)
      start += size
    }
    await bench.close()
  }
}
