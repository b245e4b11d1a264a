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
  /// A replay over which the broker closes the channel or the connection so often, alone, is given back.
  private static let maxRefusals = 2

  private let addresses: BrokerAddresses
  private let exchange: String
  private let world: World
  private let store: any WorkerStore
  private let activity: Watched<Activity>
  private let instruments: Instruments
  private let logger: Logger
  /// The one that is open, if any.
  private var connection: (any PublishingConnection)?

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
    while true {
      guard let owner = try await activity.wait(until: { $0.fence != nil }).fence else { continue }
      do {
        let next = try await next()
        for (replay, reason) in next.unsendable { try await giveBack(replay, because: reason, owner: owner) }
        if next.messages.isEmpty {
          if next.running == 0 { await disconnect() }
          try await world.clock.sleep(for: next.running == 0 ? Self.interval : Self.busyInterval)
          continue
        }
        try await publish(next.messages, owner: owner)
        backoff.reset()
      } catch is CancellationError {
        await disconnect()
        throw CancellationError()
      } catch {
        await disconnect()
        let delay = backoff.next(world.random)
        instruments.countReconnect(.replayer)
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

  private func connected() async throws(AMQPError) -> any PublishingConnection {
    if let connection { return connection }
    let fresh = world.broker.publisher(.replayer)
    connection = fresh
    try await addresses.open(fresh)
    try await fresh.enableConfirms()
    return fresh
  }

  private func disconnect() async {
    await connection?.close()
    connection = nil
  }

  /// Publishes and waits for every confirm; where one of them cannot be sent, the others must not wait for it.
  ///
  /// - Parameter refusals: so often the broker has closed the connection over them, or over more of which they are part.
  private func publish(
    _ messages: [(replay: Replay, message: OutboundMessage)], owner: WorkerToken, refusals: Int = 0
  ) async throws {
    let connection = try await connected()
    do {
      try await publish(messages, over: connection, owner: owner)
    } catch let error as AMQPError where error.isAboutMessage {
      if error.isChannelLost { await disconnect() }
      if messages.count > 1 {
        // Such as one whose headers fill a frame without the replay's own, or are of a kind that the broker closes the
        // connection over.
        let middle = messages.count / 2
        try await publish(Array(messages[..<middle]), owner: owner)
        try await publish(Array(messages[middle...]), owner: owner)
      } else if error.isChannelLost, refusals + 1 < Self.maxRefusals {
        // Was it over this one, or is the broker in trouble of its own?
        try await world.clock.sleep(for: Self.interval)
        try await publish(messages, owner: owner, refusals: refusals + 1)
      } else {
        try await giveBack(messages[0].replay, because: error.reasonAgainstMessage, owner: owner)
      }
    }
  }

  /// What is published twice because its confirm was lost is decided once.
  private func publish(
    _ messages: [(replay: Replay, message: OutboundMessage)], over connection: any PublishingConnection,
    owner: WorkerToken
  ) async throws {
    KillPoint.replayAsked.reach()
    let published = try await connection.publish(messages.map(\.message))
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
    instruments.countLetters(.failedAgain, by: 1)
    logger.log(
      .warning, "a replay cannot be sent; its letter is open again", [.deadLetter: replay.letterID, .error: reason])
  }
}

extension AMQPError {
  /// Whether it may be the message that is wrong: we cannot send it, or the broker gives up the channel or the connection
  /// over it (larger than it takes, a header that it cannot read). Rights, a missing exchange and a lost connection speak
  /// of no message.
  fileprivate var isAboutMessage: Bool {
    switch code {
    case .invalidArgument, .preconditionFailed, .notAllowed, .brokerTrouble, .protocolViolation: true
    case .invalidURI, .connectFailed, .tlsFailed, .authenticationFailed, .accessRefused, .notFound, .resourceLocked,
      .connectionClosed, .channelClosed, .heartbeatTimeout, .timedOut, .closedByUs, .cancelled:
      false
    }
  }

  /// For the letter.
  fileprivate var reasonAgainstMessage: String {
    switch scope {
    case .call: message
    case .channel: "\(message) over it (\(cause ?? code.rawValue))"
    case .connection:
      "\(message) over it (\(cause ?? code.rawValue)), as it does over headers that it cannot carry, such as a float that "
        + "is infinite or no number"
    }
  }
}
