import CoreMetrics
import Lifecycle
import Logging
import ServiceLifecycle
import Store

/// Prunes what has outlived its retention, a little at a time, reads the gauges, and tells what operators did.
struct Maintenance: Service {
  private static let interval = Duration.seconds(15)
  private static let chunk = 500
  /// Chunks of one kind in one round: a backlog of old rows is worked off over many rounds, beside the live commands.
  private static let maxChunks = 20

  /// A message that was in hand at an unclean end and has not been seen for so long is not coming again.
  private static let suspicion = Duration.seconds(7 * 86_400)

  private let settings: Settings
  private let clock: any WorkerClock
  private let store: any WorkerStore
  private let activity: Watched<Activity>
  private let instruments: Instruments
  private let logger: Logger
  private let trail: LetterTrail
  private let started: Duration
  private let pruningClock: PruningClock

  init(_ parts: WorkerParts) {
    settings = parts.settings
    clock = parts.world.clock
    store = parts.store
    activity = parts.activity
    instruments = parts.instruments
    logger = parts.logger
    trail = LetterTrail(store: parts.store, instruments: parts.instruments, logger: parts.logger)
    started = clock.uptime
    pruningClock = PruningClock(startedAt: clock.now)
  }

  func run() async throws {
    try? await cancelledByShutdown {
      var trail = trail
      while true {
        guard let fence = try await activity.wait(until: { $0.fence != nil }).fence else { continue }
        do {
          try await round(fence)
          try await trail.follow()
        } catch let error as StoreError {
          logger.log(.warning, "maintenance of the store did not get through; trying again", [.error: error])
        }
        try await clock.sleep(for: Self.interval)
      }
    }
  }

  private func round(_ fence: WorkerToken) async throws(StoreError) {
    let now = clock.now
    try await readGauges(now)
    let pruningTime = pruningClock.time(now: now, passed: clock.uptime - started)
    let operationsBefore = pruningTime - settings.dedup.retention
    let closedBefore = pruningTime - settings.deadLetters.retention
    let answeredBefore = pruningTime - settings.deadLetters.answeredRetention
    try await inChunks(fence) { transaction, progress throws(StoreError) in
      try transaction.pruneOperations(decidedBefore: operationsBefore, limit: Self.chunk, after: progress)
    }
    try await inChunks(fence) { transaction throws(StoreError) in
      try transaction.pruneLostOperations(decidedBefore: operationsBefore, limit: Self.chunk)
    }
    try await inChunks(fence) { transaction throws(StoreError) in
      try transaction.pruneLetters(closedBefore: closedBefore, answeredBefore: answeredBefore, limit: Self.chunk)
    }
    let suspectsBefore = now - Self.suspicion
    _ = try await store.commit(owner: fence) { transaction throws(StoreError) in
      try transaction.clearSuspects(notedBefore: suspectsBefore)
    }
    // What was done to a letter is known for as long as the letter, and then once more its retention.
    try await inChunks(fence) { transaction throws(StoreError) in
      try transaction.pruneAudit(before: closedBefore, limit: Self.chunk)
    }
  }

  /// - Parameter prune: forgets at most ``chunk`` rows and says how many.
  private func inChunks(
    _ fence: WorkerToken, _ prune: @escaping @Sendable (Transaction) throws(StoreError) -> Int
  ) async throws(StoreError) {
    for _ in 0..<Self.maxChunks {
      let pruned = try await store.commit(owner: fence) { transaction throws(StoreError) in try prune(transaction) }
      if pruned < Self.chunk { return }
    }
  }

  private func inChunks(
    _ fence: WorkerToken,
    _ step: @escaping @Sendable (Transaction, OperationPruning?) throws(StoreError) -> OperationPruning
  ) async throws(StoreError) {
    var progress: OperationPruning?
    for _ in 0..<Self.maxChunks {
      let next = try await store.commit(owner: fence) { [progress] transaction throws(StoreError) in
        try step(transaction, progress)
      }
      if next.isDone { return }
      progress = next
    }
  }

  private func readGauges(_ now: Timestamp) async throws(StoreError) {
    let (depth, letters, oldest) = try await store.read { snapshot throws(StoreError) in
      (try snapshot.outboxDepth(), try snapshot.letterCounts(), try snapshot.oldestOpenLetterAt())
    }
    instruments.outboxDepth.record(depth.count)
    for (state, count) in letters { instruments.deadLetters(inState: state.rawValue).record(count) }
    let age = max(0, oldest.map { now.milliseconds - $0.milliseconds } ?? 0)
    instruments.deadLettersOldestAge.record(Double(age) / 1000)
  }
}
