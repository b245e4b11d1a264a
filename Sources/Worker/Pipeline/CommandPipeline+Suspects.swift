import AMQP
import Lifecycle
import Logging
import Store

// A message that ends the process comes again with every start, and its neighbours with it. So after an unclean end each
// message that comes again is noted in the store before it is decoded, and the note is taken back in its transaction
// (contract section 7).
extension CommandPipeline {
  /// A message that the process ended over so often in a row is kept as `worker-crash`.
  static let maxCrashes = 3
  /// Letters of such messages that the worker knows by heart; more have never been seen.
  static let maxRememberedCrashes = 1000

  /// Takes those that come again one at a time, in the order of arrival.
  ///
  /// - Returns: the rest of the batch, which comes for the first time.
  func takeCarefully(_ deliveries: [Delivery], over connection: any ConsumingConnection) async throws -> [Received] {
    var fresh: [Received] = []
    for delivery in deliveries {
      guard delivery.redelivered else {
        fresh.append(decode(delivery))
        continue
      }
      if !fresh.isEmpty { try await commit(fresh, over: connection) }
      fresh = []
      try await takeSuspect(delivery, over: connection)
    }
    return fresh
  }

  private func takeSuspect(_ delivery: Delivery, over connection: any ConsumingConnection) async throws {
    guard let owner = activity.value.fence else { preconditionFailure("only an active worker commits") }
    if let kept = try await keptBefore(delivery) {
      return try await commit([kept], over: connection)
    }
    let source = source(of: delivery)
    let queue = topology.queue(of: source)
    let identity = identity(of: delivery)
    let times: Int
    if let known = suspects[identity] {
      times = known
    } else {
      times = try await store.commit(owner: owner) { [now = clock.now] transaction throws(StoreError) in
        try transaction.noteSuspect(identity, at: now)
      }
      suspects[identity] = times
    }
    KillPoint.suspectNoted.reach()
    if times > Self.maxCrashes {
      logger.log(
        .error, "a message has ended the worker again and again; it is kept as a dead letter",
        [.queue: queue, .count: times - 1])
      try await commit([.crashed(delivery, source, times: times - 1)], over: connection, suspect: identity)
      crashed.insert(identity)
    } else {
      try await commit([decode(delivery)], over: connection, suspect: identity)
    }
    suspects[identity] = nil
  }

  /// A message that was kept as `worker-crash` and comes once more, because its acknowledgement was lost: it is counted
  /// on its letter, and not looked into. Once the letter is closed it is a message like any other.
  func keptBefore(_ delivery: Delivery) async throws -> Received? {
    guard delivery.redelivered, !crashed.isEmpty else { return nil }
    let identity = identity(of: delivery)
    guard crashed.contains(identity) else { return nil }
    let letter = try await store.read { snapshot throws(StoreError) in
      try snapshot.openLetter(sameMessage: identity)
    }
    guard letter?.code == .workerCrash else { return nil }
    return .crashed(delivery, source(of: delivery), times: Self.maxCrashes)
  }

  private func identity(of delivery: Delivery) -> [UInt8] {
    MessageIdentity(
      queue: topology.queue(of: source(of: delivery)), properties: delivery.properties, body: delivery.body
    ).bytes
  }
}

extension Rejection {
  static func workerCrash(_ times: Int) -> Rejection {
    Rejection(
      .workerCrash,
      "the worker ended \(times) times in a row while it had this message in hand; "
        + "report it with this letter (ostler dead-letters export), and replay it on a version that takes it",
      details: [.init("crashes", .integer(Int64(times)))])
  }
}
