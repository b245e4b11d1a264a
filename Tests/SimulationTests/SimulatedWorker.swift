import Lifecycle
import Logging
import ServiceLifecycle
import ServiceLifecycleTestKit
import TestSupport
import Worker

/// One start of a worker: the real services, until they end or the process is killed.
// Unchecked: touched on the simulation's thread alone.
final class SimulatedWorker: @unchecked Sendable {
  enum Wait: Sendable, Hashable { case done, timeIsUp, cancelled }
  enum End: Hashable { case clean, killed, failed }

  /// Which of the services runs the current task.
  @TaskLocal static var service = ""

  let number: Int
  unowned let world: Simulation
  let executor: WorkerExecutor
  /// Killed: nothing of it reaches broker or store any more.
  private(set) var isDead = false
  private(set) var end: End?
  /// Asked to stop.
  private(set) var isStopping = false
  var links: [Link] = []
  /// The one message that it would crash over and has in hand.
  var poison = PoisonWatch()
  /// It took the store over after an unclean end, and has not lost its lock since.
  var isCareful = false
  var turns = 0
  private(set) var parts: WorkerParts?

  private var names: [String] = []
  private var tasks: [Task<Void, Never>] = []
  private var triggers: [GracefulShutdownTestTrigger?] = []
  private var running: Set<Int> = []
  private var waits: [UInt64: CheckedContinuation<Wait, Never>] = [:]
  /// Waits that are announced, and how they ended before they had begun.
  private var expected: [UInt64: Wait?] = [:]
  private var random: SeededRandom

  var scheduler: Scheduler { world.scheduler }
  var isFrozen: Bool {
    get { executor.isFrozen }
    set { executor.isFrozen = newValue }
  }

  init(number: Int, world: Simulation, seed: UInt64) {
    self.number = number
    self.world = world
    executor = WorkerExecutor(number: number, scheduler: world.scheduler)
    random = SeededRandom(seed: seed)
  }

  func start() {
    let parts = WorkerParts(
      settings: world.settings, store: SimulatedStore(self),
      world: World(
        clock: SimulatedClock(self), random: RandomSource { self.random.next() },
        broker: SimulatedConnector(self)),
      bounds: world.bounds, logger: world.logger)
    self.parts = parts
    let services = parts.services()
    names = services.map { String(describing: type(of: $0)) }
    triggers = services.map { _ in nil }
    running = Set(services.indices)
    for (index, service) in services.enumerated() { tasks.append(task(index, service)) }
  }

  private func task(_ index: Int, _ service: any Service) -> Task<Void, Never> {
    Task(executorPreference: executor) {
      await Self.$service.withValue(self.names[index]) {
        await testGracefulShutdown { trigger in
          self.triggers[index] = trigger
          if self.isDead || self.isStopping && self.running.max() == index { trigger.triggerGracefulShutdown() }
          do {
            try await service.run()
            self.ended(index, nil)
          } catch {
            self.ended(index, error)
          }
        }
      }
    }
  }

  private func ended(_ index: Int, _ error: (any Error)?) {
    running.remove(index)
    scheduler.trace.note("worker \(number): \(names[index]) has ended\(error.map { ": \($0)" } ?? "")")
    guard !isDead else { return }
    if let error = error as? WorkerError, error.code == .defect || error.code == .refusedToStart {
      scheduler.violate("worker \(number): \(error)")
    }
    if error != nil {
      kill(.failed)
    } else if running.isEmpty {
      end = .clean
      world.processEnded(self)
    } else if isStopping {
      stopNext()
    } else {
      // As the service group does when one of its services ends.
      stop()
    }
  }

  /// Asks it to stop, as SIGTERM does.
  func stop() {
    guard !isStopping, end == nil else { return }
    isStopping = true
    scheduler.after(world.settings.shutdown.grace, id: scheduler.nextID()) { [weak self] in
      if let self, end == nil { kill(.failed) }
    }
    stopNext()
  }

  /// The last one that was started stops first; the one before it when it has ended.
  private func stopNext() {
    guard let last = running.max() else { return }
    triggers[last]?.triggerGracefulShutdown()
  }

  /// Ends it at this very moment. What it had written to a socket may still arrive.
  func kill(_ how: End = .killed) {
    guard end == nil else { return }
    scheduler.trace.note("worker \(number) is gone (\(how))")
    end = how
    isDead = true
    isFrozen = false
    for link in links { link.processDied() }
    for id in waits.keys.sorted() { finish(id, .cancelled) }
    for task in tasks { task.cancel() }
    for trigger in triggers { trigger?.triggerGracefulShutdown() }
    world.processEnded(self)
  }

  /// Lets what is left of it run to its end: its tasks are freed, and nothing of it is heard.
  func bury() {
    scheduler.drain(executor)
    if !running.isEmpty {
      scheduler.violate("worker \(number) was cancelled, and \(running.sorted().map { names[$0] }) wait on")
    }
    for link in links { link.processDied() }
    links = []
    parts = nil
    tasks = []
    triggers = []
  }

  // MARK: Waiting

  /// Announces a wait, so that its end may come before it has begun.
  func expect() -> UInt64 {
    let id = scheduler.nextID()
    expected[id] = .some(nil)
    return id
  }

  /// Suspends until ``finish(_:_:)``, or until time is up, or until the task is cancelled.
  func wait(_ id: UInt64, atMost limit: Duration?, isCancellable: Bool = true) async -> Wait {
    defer { expected[id] = nil }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if let early = expected[id] ?? nil { return continuation.resume(returning: early) }
        if isDead || isCancellable && Task.isCancelled { return continuation.resume(returning: .cancelled) }
        waits[id] = continuation
        if let limit { scheduler.after(limit, id: id) { [weak self] in self?.finish(id, .timeIsUp) } }
      }
    } onCancel: {
      if isCancellable { finish(id, .cancelled) }
    }
  }

  func finish(_ id: UInt64, _ how: Wait) {
    guard let continuation = waits.removeValue(forKey: id) else {
      if expected[id] != nil { expected[id] = how }
      return
    }
    scheduler.dropTimer(id)
    continuation.resume(returning: how)
  }
}
