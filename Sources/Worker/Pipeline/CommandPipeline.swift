import AMQP
import CoreMetrics
import Lifecycle
import Logging
import ServiceLifecycle
import Store

/// Consumes the command queues and the dead letters: one batch after the other through the store, then acked.
///
/// Holds the worker's lock: the exclusive queue `<ns>.worker` belongs to the consuming connection.
actor CommandPipeline: Service {
  /// A batch is whatever has arrived while the last one was committing, at most so much.
  static let maxBatchCount = 500
  static let maxBatchBytes = 8 << 20

  let settings: Settings
  let addresses: BrokerAddresses
  let topology: Topology
  let store: any WorkerStore
  let intake: Intake
  let activity: Watched<Activity>
  let outbox: OutboxProgress
  let relay: Relay
  let replier: Replier
  let health: Health
  let instruments: Instruments
  let logger: Logger
  let inspector: QueueInspector
  let world: World
  let bounds: WorkerBounds
  let started: Duration

  var lot: ParkingLot<CommandTask>
  var ledger = AckLedger()
  var sources: [ConsumerTag: Source] = [:]
  var hasSnapshotRun = false
  /// The last worker did not end in good order: what comes again is taken one at a time, until the next subscription.
  var isCareful = false
  /// Messages that are kept as `worker-crash`: their letters are open. One of them whose acknowledgement was lost comes
  /// once more.
  var crashed: Set<[UInt8]> = []
  /// The store was compared with the events log.
  var hasCheckedLog = false
  var watch: DeafnessWatch
  let question = Watched(DeafnessQuestion())
  /// When the watch wants to be asked next, on the clock of `monotonicNow`.
  var nextLook = Duration.zero
  /// A subscription was found deaf, and nothing was heard of it since.
  var isDeaf = false
  var canAsk = true
  /// Queues that are not subscribed to, because the broker does not answer for them.
  var unanswered: Set<Source> = []
  /// Begins anew when a batch has got through: a disk that has room for a probe may have none for a batch, and with each
  /// pause everything goes back to the broker, which counts.
  var storeBackoff = Backoff()
  /// Of the messages that this process has noted and not decided: how often they stand noted. A transaction that fails is
  /// no end of the process, however often the store's trouble gives the message back.
  var suspects: [[UInt8]: Int] = [:]
  private var turn = 0
  private var hasConnected = false

  init(_ parts: WorkerParts, relay: Relay, replier: Replier) {
    settings = parts.settings
    addresses = parts.addresses
    topology = parts.topology
    store = parts.store
    intake = Intake(settings: parts.settings)
    activity = parts.activity
    outbox = parts.outbox
    self.relay = relay
    self.replier = replier
    health = parts.health
    instruments = parts.instruments
    logger = parts.logger
    world = parts.world
    bounds = parts.bounds
    started = parts.world.clock.uptime
    lot = ParkingLot(limit: parts.settings.parkingLimit)
    inspector = QueueInspector(addresses: parts.addresses, broker: parts.world.broker)
    watch = DeafnessWatch(silence: parts.settings.amqp.heartbeat * Self.silentHeartbeats)
  }

  var clock: any WorkerClock { world.clock }

  func run() async throws {
    let result: Result<Void, any Error>
    do {
      result = .success(try await serveUntilAsked())
    } catch {
      result = .failure(error)
    }
    await inspector.close()
    try result.get()
  }

  private func serveUntilAsked() async throws {
    var backoff = Backoff()
    while mustGoOn {
      let connection = world.broker.consumer()
      do {
        try await serve(over: connection, connected: { backoff.reset() })
        return
      } catch {
        await connection.close()
        standDown()
        try Task.checkCancellation()
        if !mustGoOn { return }
        try mayGoOn(after: error)
        let delay = backoff.next(world.random)
        instruments.countReconnect(.consumer)
        logger.log(
          .warning, "not consuming; trying again", [.error: describe(error), .delay: delay])
        health.set(.consumer, .notReady("not connected: \(describe(error))"))
        try await rest(for: delay, by: clock)
      }
    }
  }

  /// Asked to stop, it still sees to it that the events of what it has committed get out.
  private var mustGoOn: Bool { !Task.isShuttingDownGracefully || !outbox.state.value.isDrained }

  /// Whoever is asked to stop needs a new connection only for what is still to be published.
  private func open(_ connection: any ConsumingConnection) async throws {
    if Task.isShuttingDownGracefully {
      try await addresses.open(connection)
    } else {
      try await cancelledByShutdown { [addresses] in try await addresses.open(connection) }
    }
  }

  /// One connection's life: lock, topology, subscriptions, batches. Returns when asked to stop and drained.
  private func serve(over connection: any ConsumingConnection, connected: () -> Void) async throws {
    try await open(connection)
    let lock = WorkerLock(queue: topology.workerQueue, health: health, clock: clock, logger: logger)
    let standby = {
      self.hasConnected = true
      await self.warnOfRefusal()
    }
    guard try await lock.acquire(on: connection, while: { mustGoOn }, standby: standby) else {
      await connection.close()
      return
    }
    hasConnected = true
    let logIsNew = try await !logExists(on: connection)
    try await topology.prepare(on: connection, mode: settings.amqp.topology, logger: logger)
    try await checkStore(logIsNew: logIsNew)
    try await becomeActive()
    connected()
    try await consume(over: connection)
    KillPoint.stopping.reach()
    // Deliveries that are not acked by now go back to the broker; the lock is held until all events are out.
    try await connection.closeChannel()
    health.set(.consumer, .notReady("shutting down"))
    try await relay.drained()
    KillPoint.drained.reach()
    if let owner = activity.value.fence {
      try await store.commit(owner: owner) { transaction throws(StoreError) in
        try transaction.clearSuspects()
        try transaction.endWorkerCleanly()
      }
    }
    KillPoint.endedCleanly.reach()
    await connection.close()
    standDown()
  }

  private func becomeActive() async throws {
    KillPoint.takingOver.reach()
    let taken = try await store.takeOver(as: world.random.uuid())
    KillPoint.tookOver.reach()
    let (depth, run, kept) = try await store.read { snapshot throws(StoreError) in
      (
        try snapshot.outboxDepth(), try snapshot.nextSnapshotRun(),
        try snapshot.openMessages(withCode: .workerCrash, limit: Self.maxRememberedCrashes)
      )
    }
    crashed = Set(kept)
    outbox.begin(newest: taken.meta.position, firstUnmarked: depth.oldestPosition, turn: turn + 1)
    hasSnapshotRun = run != nil
    isCareful = turn == 0 && !taken.meta.workerEndedCleanly
    suspects = [:]
    turn += 1
    activity.set(.active(taken.token, turn: turn))
    instruments.active.record(1)
    health.set(.store, .ready)
    health.set(.lock, .ready)
  }

  private func standDown() {
    activity.set(.standby)
    instruments.active.record(0)
    health.set(.lock, .notReady("not held"))
  }

  /// Reads batches until asked to stop; a trouble of the store pauses consuming, a lost channel subscribes anew.
  private func consume(over connection: any ConsumingConnection) async throws {
    var backoff = Backoff()
    while !Task.isShuttingDownGracefully {
      let begun = clock.uptime
      do {
        try await subscribe(on: connection)
        try await takeBatchesAndAsk(over: connection)
      } catch let error as StoreError where error.isTrouble {
        try await pause(because: error, connection: connection)
      } catch let error as AMQPError where error.isChannelLost && !error.isConnectionLost {
        // One that is lost again at once must not hammer the broker.
        if clock.uptime - begun > backoff.maximum { backoff.reset() }
        let delay = backoff.next(world.random)
        logger.log(.error, "the broker closed the channel; subscribing again", [.error: error, .delay: delay])
        health.set(.consumer, .notReady("subscribing again: \(error)"))
        try? await cancelledByShutdown { [clock] in try await clock.sleep(for: delay) }
        try await connection.openChannel()
        try await topology.prepare(on: connection, mode: settings.amqp.topology, logger: logger)
      } catch let error as ConsumerCancelled {
        logger.log(
          .error, "the broker ended a subscription (was its queue deleted?); declaring and subscribing again",
          [.queue: error.queue])
        health.set(.consumer, .notReady("subscribing again: queue \(error.queue)"))
        try await beginChannel(on: connection)
      } catch let error as QueueAnswersAgain {
        logger.log(.notice, "the broker answers for a queue again; subscribing to all", [.queue: error.queue])
        try await beginChannel(on: connection)
      } catch let error as DeafSubscription {
        // A new connection where a new channel has not helped.
        if error.isRepeated { throw error }
        try await beginChannel(on: connection)
      }
    }
  }

  private func beginChannel(on connection: any ConsumingConnection) async throws {
    try await connection.closeChannel()
    try await connection.openChannel()
    try await topology.prepare(on: connection, mode: settings.amqp.topology, logger: logger)
  }

  private func subscribe(on connection: any ConsumingConnection) async throws {
    lot = ParkingLot(limit: settings.parkingLimit)
    ledger = AckLedger()
    sources = [:]
    try await connection.setPrefetch(settings.amqp.prefetch)
    try await subscribeToQueues(on: connection)
    watch.subscribed(to: sources.values, at: monotonicNow)
    isDeaf = !watch.isCured
    showSubscriptions()
    logger.log(.info, "consuming", [.namespace: settings.amqp.namespace, .count: sources.count])
  }

  /// Un-subscribes and waits until the store takes a transaction again. Nothing is acked meanwhile.
  private func pause(because trouble: StoreError, connection: any ConsumingConnection) async throws {
    instruments.pauses.increment()
    logger.log(
      .error, "the store has trouble; consuming is paused and nothing is acknowledged until it is over",
      [.error: trouble])
    health.set(.store, .notReady(trouble.message))
    health.set(.consumer, .notReady("paused"))
    try await connection.closeChannel()
    while !Task.isShuttingDownGracefully {
      let delay = storeBackoff.next(world.random)
      try? await cancelledByShutdown { [clock] in try await clock.sleep(for: delay) }
      if try await storeIsWell() { break }
    }
    health.set(.store, .ready)
    logger.log(.notice, "the store takes transactions again; consuming goes on", [:])
    try await connection.openChannel()
  }

  /// The identity of no message.
  private static let probe = [UInt8](repeating: 0, count: 32)

  private func storeIsWell() async throws(StoreError) -> Bool {
    guard let fence = activity.value.fence else { preconditionFailure("only an active worker consumes") }
    do throws(StoreError) {
      // Something is written and taken back: a transaction without a change does not reach the disk.
      try await store.commit(owner: fence) { [now = clock.now] transaction throws(StoreError) in
        _ = try transaction.noteSuspect(Self.probe, at: now)
        try transaction.clearSuspect(Self.probe)
      }
      return true
    } catch {
      guard error.isTrouble else { throw error }
      logger.log(.warning, "the store still has trouble", [.error: error])
      return false
    }
  }

  /// Ends the process where going on cannot help, or where start-up took too long.
  private func mayGoOn(after error: any Error) throws {
    switch error {
    case let error as StoreError where error.code == .fenced:
      logger.log(.warning, "another worker has taken over the store; waiting as a standby", [.error: error])
      outbox.begin(newest: 0, firstUnmarked: nil)
    case let error as StoreError where !error.isTrouble:
      throw WorkerError(error.code == .defect ? .defect : .refusedToStart, "the store cannot be used", cause: error)
    case let error as TopologyError where error.code == .notAllowed && turn > 0:
      // It was allowed before: somebody is at work on the permissions, and a worker that ended would not come back.
      break
    case let error as TopologyError where error.code != .unavailable:
      throw WorkerError(.refusedToStart, "the broker is not set up as it must be", cause: error)
    case let error as WorkerError: throw error
    case is AMQPError, is StoreError, is TopologyError, is DeafSubscription, is CancellationError: break
    default: throw WorkerError(.defect, "the pipeline failed", cause: error)
    }
    if !hasConnected && clock.uptime - started > settings.startup.patience {
      throw WorkerError(
        .unavailable,
        "no broker took us in within startup.patience (\(DurationText.write(settings.startup.patience)))", cause: error)
    }
  }

  func describe(_ error: any Error) -> String { String(describing: error) }
}

/// The broker ended a subscription (`basic.cancel` from the server, a RabbitMQ extension).
struct ConsumerCancelled: Error {
  let queue: String
}
