import AMQP
import CoreMetrics
import Lifecycle
import Logging
import ServiceLifecycle
import Store

/// Publishes the replays that were asked for in the store, whoever asked and whenever: in order, with confirms, for each
/// server one after the other, and never so many at once that live commands would wait.
actor ReplayPublisher: Service {
  /// On their way through the queues at once.
  static let maxRunning = 500
  private static let maxBytes = 4 << 20
  /// How often the store is asked; other processes write to it.
  private static let interval = Duration.milliseconds(200)
  /// While replays are under way their ends make room for more.
  private static let busyInterval = Duration.milliseconds(20)
  private static let confirmPatience = Duration.seconds(30)

  private let addresses: BrokerAddresses
  private let exchange: String
  private let world: World
  private let store: any WorkerStore
  private let activity: Watched<Activity>
  private let instruments: Instruments
  private let logger: Logger

  init(_ parts: WorkerParts) {
    addresses = parts.addresses
    world = parts.world
    exchange = parts.topology.commandsExchange
    store = parts.store
    activity = parts.activity
    instruments = parts.instruments
    logger = parts.logger
  }

  func run() async throws {
    try? await cancelledByShutdown { try await self.publishForever() }
  }

  private func publishForever() async throws {
    var backoff = Backoff()
    var connection: (any PublishingConnection)?
    while true {
      guard let owner = try await activity.wait(until: { $0.fence != nil }).fence else { continue }
      do {
        let next = try await next()
        for (replay, reason) in next.unsendable { try await giveBack(replay, because: reason, owner: owner) }
        if next.messages.isEmpty {
          if next.running == 0, let idle = connection {
            await idle.close()
            connection = nil
          }
          try await world.clock.sleep(for: next.running == 0 ? Self.interval : Self.busyInterval)
          continue
        }
        let open = try await connected(connection)
        connection = open
        try await publish(next.messages, over: open, owner: owner)
        backoff.reset()
      } catch is CancellationError {
        await connection?.close()
        throw CancellationError()
      } catch {
        await connection?.close()
        connection = nil
        let delay = backoff.next(world.random)
        logger.log(
          .warning, "replays are not being published; they wait in the store",
          [.error: String(describing: error), .delay: delay])
        try await world.clock.sleep(for: delay)
      }
    }
  }

  private struct Next {
    var messages: [(replay: Replay, message: OutboundMessage)] = []
    /// Those that no broker would take, and why.
    var unsendable: [(replay: Replay, reason: String)] = []
    var running: Int
  }

  private func next() async throws -> Next {
    let (running, found) = try await store.read { snapshot throws(StoreError) in
      let running = try snapshot.publishedReplayCount()
      let room = max(0, Self.maxRunning - running)
      return (running, room == 0 ? [] : try snapshot.replaysToPublish(limit: room, maxBytes: Self.maxBytes))
    }
    var next = Next(running: running)
    for (replay, letter) in found {
      do throws(JSONFault) {
        next.messages.append((replay, try ReplayMessage.make(replay, of: letter, exchange: exchange)))
      } catch {
        next.unsendable.append((replay, "its properties cannot be read: \(error.message)"))
      }
    }
    return next
  }

  private func connected(_ known: (any PublishingConnection)?) async throws -> any PublishingConnection {
    if let known { return known }
    let connection = world.broker.publisher(.replayer)
    try await addresses.open(connection)
    try await connection.enableConfirms()
    return connection
  }

  /// Publishes and waits for every confirm. What is published twice because its confirm was lost is decided once.
  private func publish(
    _ messages: [(replay: Replay, message: OutboundMessage)], over connection: any PublishingConnection,
    owner: WorkerToken
  ) async throws {
    let published: Published
    KillPoint.replayAsked.reach()
    do throws(AMQPError) {
      published = try await connection.publish(messages.map(\.message))
    } catch {
      guard error.code == .invalidArgument else { throw error }
      return try await publishApart(messages, because: error, over: connection, owner: owner)
    }
    if published.count == 0 {
      // The broker takes nothing for now.
      try await world.clock.sleep(for: Self.interval)
    }
    var waiting = Set(published.sequences)
    let clock = world.clock
    let deadline = clock.uptime + Self.confirmPatience
    while !waiting.isEmpty {
      guard clock.uptime < deadline else {
        throw WorkerError(.unavailable, "the broker did not confirm replays within \(Self.confirmPatience)")
      }
      let arrived = try await connection.receive(maxCount: 500, maxBytes: 1 << 20, atMost: .seconds(1))
      // Nothing arrives either when the wait was ended.
      try Task.checkCancellation()
      for inbound in arrived {
        switch inbound {
        case .confirmed(let sequence, let multiple):
          waiting = waiting.filter { multiple ? $0 > sequence : $0 != sequence }
        case .nacked: throw WorkerError(.unavailable, "the broker refused a replay; it is published again")
        case .returned, .blocked, .unblocked: break
        case .delivery, .consumerCancelled: preconditionFailure("the replaying connection consumes nothing")
        }
      }
    }
    KillPoint.replayPublished.reach()
    let replays = messages.prefix(published.count).map(\.replay)
    try await store.commit(owner: owner) { transaction throws(StoreError) in
      for replay in replays { try transaction.markPublished(replay) }
    }
    KillPoint.replayMarked.reach()
    instruments.countLetters(.replayed, by: replays.count)
    logger.log(.info, "replays published", [.count: replays.count])
  }

  /// One of them can never be sent, such as one whose headers fill a frame without the replay's own: the others must not
  /// wait for it. Nothing has been written yet.
  private func publishApart(
    _ messages: [(replay: Replay, message: OutboundMessage)], because error: AMQPError,
    over connection: any PublishingConnection,
    owner: WorkerToken
  ) async throws {
    if messages.count == 1 {
      return try await giveBack(messages[0].replay, because: error.message, owner: owner)
    }
    let middle = messages.count / 2
    try await publish(Array(messages[..<middle]), over: connection, owner: owner)
    try await publish(Array(messages[middle...]), over: connection, owner: owner)
  }

  /// The letter opens again.
  private func giveBack(_ replay: Replay, because reason: String, owner: WorkerToken) async throws(StoreError) {
    let rejection = Rejection(
      .brokerRejected, "the replay cannot be sent: \(reason); have its sender send it again")
    try await store.commit(owner: owner) { [now = world.clock.now] transaction throws(StoreError) in
      // It may have been given up meanwhile.
      guard let replay = try transaction.replay(of: replay.letterID, attempt: replay.attempt), replay.isRunning else {
        return
      }
      try transaction.end(replay, with: .rejected(rejection, detailsJSON: "{}"), at: now)
    }
    logger.log(.warning, "a replay cannot be sent; its letter is open again", [.error: reason])
  }
}
