import AMQP
import CoreMetrics
import Lifecycle
import Logging
import ServiceLifecycle
import Store

/// Publishes the outbox to `<ns>.events`: in commit order, many in flight, again from the first unconfirmed one on after
/// a nack or a lost connection. What it has published and lost is in the store still.
actor Relay: Service {
  private static let readLimit = 500
  private static let readMaxBytes = 4 << 20
  /// How long a confirmed event waits for a batch to take its mark along.
  private static let markDelay = Duration.milliseconds(100)
  /// Without any confirm for so many heartbeats (a minute unless set otherwise) the connection is given up and the window
  /// published over a new one; each time in a row after longer, because whoever did get the events gets them again.
  private static let confirmHeartbeats = (initial: 4, maximum: 64)
  /// After a refusal: all other subscribers get everything again each time, so it must not be tried without a pause.
  private static let refusalBackoff = Backoff(maximum: .seconds(5))

  private let addresses: BrokerAddresses
  private let exchange: String
  private let world: World
  private let store: any WorkerStore
  private let activity: Watched<Activity>
  private let outbox: OutboxProgress
  private let health: Health
  private let instruments: Instruments
  private let logger: Logger

  /// Events in flight at most.
  private let windowCapacity: Int
  private var window: RelayWindow
  /// The position of the last event that was published in this turn.
  private var cursor: Int64 = 0
  /// Counts restarts, so that a publish that was under way notices that it is no longer wanted.
  private var restarts = 0
  /// When the first unconfirmed event was published, or the last of those before it confirmed, whichever was later.
  private var waitsSince: Duration
  private var confirmPatience: Backoff
  /// Of the connections: begins anew when something was confirmed. One that opens and then takes no event is no success.
  private var reconnecting = Backoff()
  /// Changes whenever the window or the broker's willingness does.
  private let progress: Watched<Progress>

  struct Progress: Sendable {
    var room: Int
    var isBlocked = false
  }

  init(_ parts: WorkerParts) {
    addresses = parts.addresses
    world = parts.world
    exchange = parts.topology.eventsExchange
    store = parts.store
    activity = parts.activity
    outbox = parts.outbox
    health = parts.health
    instruments = parts.instruments
    logger = parts.logger
    windowCapacity = parts.bounds.eventsInFlight
    window = RelayWindow(capacity: windowCapacity)
    progress = Watched(Progress(room: windowCapacity))
    waitsSince = world.clock.uptime
    let heartbeat = parts.settings.amqp.heartbeat
    confirmPatience = Backoff(
      initial: heartbeat * Self.confirmHeartbeats.initial, maximum: heartbeat * Self.confirmHeartbeats.maximum)
  }

  func run() async throws {
    // The pipeline stops first and has waited for drained() by then: nothing is left to do.
    try? await cancelledByShutdown { try await self.relayForever() }
  }

  /// Waits until every event that is in the store now is confirmed and marked, or another worker has taken over the store.
  ///
  /// - Throws: `CancellationError` when the waiting task is cancelled.
  nonisolated func drained() async throws {
    _ = try await outbox.state.wait { $0.isDrained || $0.isFenced }
  }

  private func relayForever() async throws {
    while true {
      guard case .active(let fence, let turn) = try await activity.wait(until: { $0.fence != nil }) else { continue }
      do {
        let connection = world.broker.publisher(.publisher)
        try await addresses.open(connection)
        try await connection.enableConfirms()
        health.set(.publisher, .ready)
        begin()
        defer { health.set(.publisher, .notReady("not connected")) }
        do {
          try await withTaskExecutorPreference(connection.preferredExecutor) {
            try await relay(over: connection, fence: fence, turn: turn)
          }
        } catch {
          // Lost with nothing on its way: that speaks against the link, not against what we publish.
          if window.isEmpty { reconnecting.reset() }
          await connection.close()
          throw error
        }
        await connection.close()
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        if let error = error as? StoreError, error.code == .fenced { outbox.fenced(inTurn: turn) }
        let delay = reconnecting.next(world.random)
        instruments.eventsRestarted.increment()
        instruments.countReconnect(.publisher)
        logger.log(
          .warning, "events are not being published; they wait in the store and go out when this is over",
          [.error: String(describing: error), .delay: delay])
        health.set(.publisher, .notReady("not connected: \(error)"))
        try await world.clock.sleep(for: delay)
      }
    }
  }

  private func begin() {
    window = RelayWindow(capacity: windowCapacity)
    cursor = outbox.state.value.confirmed
    restarts += 1
    waitsSince = world.clock.uptime
    progress.set(Progress(room: windowCapacity))
  }

  /// Ends when this turn at being active does, by throwing when the connection is lost.
  private func relay(over connection: any PublishingConnection, fence: WorkerToken, turn: Int) async throws {
    try await withThrowingTaskGroup { group in
      group.addTask { [activity] in _ = try await activity.wait { $0.turn != turn } }
      group.addTask { try await self.takeConfirms(from: connection) }
      group.addTask { try await self.publish(over: connection) }
      group.addTask { try await self.markWhenIdle(fence: fence) }
      group.addTask { try await self.watchConfirms() }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func takeConfirms(from connection: any PublishingConnection) async throws {
    while true {
      let arrived = try await connection.receive(maxCount: 1000, maxBytes: 1 << 20, atMost: nil)
      // Nothing arrives either when the wait was ended.
      try Task.checkCancellation()
      for inbound in arrived {
        switch inbound {
        case .confirmed(let sequence, let multiple): advance(window.confirmed(sequence, multiple: multiple))
        case .nacked(let sequence, let multiple): advance(window.nacked(sequence, multiple: multiple))
        case .returned: instruments.eventsUnroutable.increment()
        case .blocked(let reason):
          logger.log(.warning, "the broker takes no events (an alarm); they wait in the store", [.error: reason])
          progress.update { $0.isBlocked = true }
        case .unblocked:
          logger.log(.notice, "the broker takes events again", [:])
          waitsSince = world.clock.uptime
          progress.update { $0.isBlocked = false }
        case .delivery, .consumerCancelled: preconditionFailure("the publishing connection consumes nothing")
        }
      }
    }
  }

  private func advance(_ verdict: RelayWindow.Verdict) {
    switch verdict {
    case .advanced(let through):
      guard let through else { return }
      KillPoint.afterPublish.reach()
      instruments.eventsConfirmed.increment()
      outbox.confirmed(through: through)
      waitsSince = world.clock.uptime
      confirmPatience.reset()
      reconnecting.reset()
    case .restart:
      instruments.eventsRestarted.increment()
      logger.log(.warning, "the broker refused an event; publishing again from the first unconfirmed one on", [:])
      window.restart()
      restarts += 1
      waitsSince = world.clock.uptime
      cursor = outbox.state.value.confirmed
      outbox.refused()
    }
    let room = window.room
    progress.update { $0.room = room }
  }

  /// - Throws: ``ConfirmsMissing``. An alarm and a refusal are something else: the broker says them.
  private func watchConfirms() async throws {
    let patience = confirmPatience.next(world.random)
    while true {
      try await world.clock.sleep(for: patience / 8)
      guard !window.isEmpty, !progress.value.isBlocked else { continue }
      let waited = world.clock.uptime - waitsSince
      if waited > patience { throw ConfirmsMissing(count: window.inFlight, waited: waited) }
    }
  }

  private func publish(over connection: any PublishingConnection) async throws {
    var backoff = Self.refusalBackoff
    var seen = (restarts: restarts, confirmed: outbox.state.value.confirmed)
    while true {
      if restarts != seen.restarts {
        let confirmed = outbox.state.value.confirmed
        if confirmed > seen.confirmed { backoff.reset() }
        seen = (restarts, confirmed)
        try await world.clock.sleep(for: backoff.next(world.random))
      }
      _ = try await progress.wait { $0.room > 0 && !$0.isBlocked }
      let begun = restarts
      let before = outbox.state.value
      let rows = try await nextEvents()
      guard begun == restarts else { continue }
      if rows.isEmpty {
        // Nothing is left to publish: until the pipeline commits something new, or the broker refuses what it has.
        _ = try await outbox.state.wait { $0.newest > before.newest || $0.refusals != before.refusals }
        continue
      }
      if window.isEmpty { waitsSince = world.clock.uptime }
      window.launch(rows.map(\.position))
      let published = try await connection.publish(rows.map(message))
      KillPoint.inWindow.reach()
      guard begun == restarts else {
        window.goesOn(at: published.first + UInt64(published.count))
        continue
      }
      if published.count < rows.count { window.takeBack(rows.count - published.count) }
      if published.count > 0 { cursor = rows[published.count - 1].position }
      let room = window.room
      progress.update { $0.room = room }
    }
  }

  /// What follows after the cursor: handed over by the pipeline as a rule, from the store after a restart or a jam.
  private func nextEvents() async throws(StoreError) -> [OutboxEvent] {
    let limit = min(window.room, Self.readLimit)
    if let events = outbox.committed(after: cursor, limit: limit) { return events }
    return try await store.read { [cursor] snapshot throws(StoreError) in
      try snapshot.outbox(after: cursor, limit: limit, maxBytes: Self.readMaxBytes)
    }
  }

  /// Marks by itself what is confirmed when no batch comes to take the mark along.
  private func markWhenIdle(fence: WorkerToken) async throws {
    while true {
      let seen = try await outbox.state.wait { $0.pending != nil }
      try await world.clock.sleep(for: Self.markDelay)
      let now = outbox.state.value
      guard now.newest == seen.newest, let through = now.pending else { continue }
      KillPoint.beforeMark.reach()
      try await store.commit(owner: fence) { transaction throws(StoreError) in
        _ = try transaction.deleteOutbox(through: through)
      }
      KillPoint.afterMark.reach()
      outbox.marked(through: through)
    }
  }

  private func message(_ event: OutboxEvent) -> OutboundMessage {
    let encoded = event.encoded(for: store.identity.storeID)
    var properties = Properties()
    properties.contentType = EncodedEvent.contentType
    properties.deliveryMode = 2
    properties.messageID = encoded.id.description
    return OutboundMessage(
      exchange: exchange, routingKey: encoded.routingKey, mandatory: true, properties: properties, body: encoded.bytes)
  }
}

/// The broker takes events and confirms none of them.
struct ConfirmsMissing: Error, CustomStringConvertible {
  let count: Int
  let waited: Duration

  var description: String {
    "the broker has confirmed none of \(count) events for \(DurationText.write(waited)); they are published again"
  }
}
