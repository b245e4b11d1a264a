import Glibc
import Lifecycle
import TestSupport

/// Runs everything of one simulation on one thread: picks the next runnable job of the workers at random, and moves the
/// clock when it is told to. The same seed makes the same choices.
// Unchecked: touched on the simulation's thread alone; `add` sees to it.
final class Scheduler: @unchecked Sendable {
  private struct Ready {
    let job: UnownedJob
    let executor: WorkerExecutor
  }
  private struct Timer {
    let at: Duration
    let id: UInt64
    let fire: () -> Void
  }

  var random: SeededRandom
  /// Since the simulation began.
  private(set) var now = Duration.zero
  /// Whatever must not happen; the run ends with the first.
  private(set) var violations: [String] = []
  let trace: Trace

  private let thread = pthread_self()
  private var ready: [Ready] = []
  private var paused: [CheckedContinuation<Void, Never>] = []
  private var timers: [Timer] = []
  private var lastID: UInt64 = 0

  init(seed: UInt64, trace: Trace) {
    random = SeededRandom(seed: seed)
    self.trace = trace
  }

  // MARK: Chance

  /// 0..<count.
  func pick(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
  /// One time in so many; 0 is never.
  func chance(oneIn count: Int) -> Bool { count > 0 && pick(count) == 0 }
  func pick<Element>(_ elements: [Element]) -> Element? { elements.isEmpty ? nil : elements[pick(elements.count)] }

  func violate(_ what: String) {
    trace.note("violation: \(what)")
    violations.append(what)
  }

  func nextID() -> UInt64 {
    lastID += 1
    return lastID
  }

  // MARK: Jobs

  fileprivate func add(_ job: UnownedJob, _ executor: WorkerExecutor) {
    precondition(
      pthread_equal(pthread_self(), thread) != 0,
      """
      a job of a simulated worker came from another thread, so the run is not repeatable: the worker's code uses an \
      unstructured task, Task.sleep, or a library that does
      """)
    ready.append(Ready(job: job, executor: executor))
  }

  var runnable: Int { ready.count { !$0.executor.isFrozen } }

  /// Runs the runnable job at that place in the order in which they became ready.
  func run(_ place: Int) {
    var rest = place
    guard
      let index = ready.firstIndex(where: {
        if $0.executor.isFrozen { return false }
        defer { rest -= 1 }
        return rest == 0
      })
    else { preconditionFailure("there are not that many runnable jobs") }
    run(at: index)
  }

  /// Runs whatever a worker still has to run, in order, whether it is frozen or not: it is dead, and ends.
  func drain(_ executor: WorkerExecutor) {
    var steps = 0
    while let index = ready.firstIndex(where: { $0.executor === executor }) {
      run(at: index)
      steps += 1
      guard steps < 5000 else { return violate("worker \(executor.number) does not end when it is cancelled") }
    }
  }

  private func run(at index: Int) {
    let next = ready.remove(at: index)
    next.job.runSynchronously(on: next.executor.asUnownedTaskExecutor())
    let paused = paused
    self.paused.removeAll(keepingCapacity: true)
    for continuation in paused { continuation.resume() }
  }

  /// Ends the current job; the task goes on when it is picked again.
  func pause() async { await withCheckedContinuation { paused.append($0) } }

  // MARK: Time

  var nextTimer: Duration? { timers.lazy.map(\.at).min() }

  func after(_ duration: Duration, id: UInt64, _ fire: @escaping () -> Void) {
    timers.append(Timer(at: now + duration, id: id, fire: fire))
  }

  func dropTimer(_ id: UInt64) { timers.removeAll { $0.id == id } }

  /// Moves the clock, and wakes who has slept until then, in order.
  func advance(to moment: Duration) {
    now = max(now, moment)
    while let next = timers.indices.min(by: { (timers[$0].at, timers[$0].id) < (timers[$1].at, timers[$1].id) }),
      timers[next].at <= now
    {
      timers.remove(at: next).fire()
    }
  }
}

/// Takes the jobs of one worker process.
// Unchecked: as the scheduler.
final class WorkerExecutor: TaskExecutor, @unchecked Sendable {
  let number: Int
  /// Its jobs wait, as those of a stopped process do.
  var isFrozen = false
  private let scheduler: Scheduler

  init(number: Int, scheduler: Scheduler) {
    self.number = number
    self.scheduler = scheduler
  }

  func enqueue(_ job: consuming ExecutorJob) { scheduler.add(UnownedJob(job), self) }
}

/// What happened, step by step: text where somebody wants to read it, and always a digest.
// Unchecked: as the scheduler.
final class Trace: @unchecked Sendable {
  private(set) var lines: [String] = []
  /// FNV-1a over the numbers of all steps.
  private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
  let isRecording: Bool
  var prefix: () -> String = { "" }
  /// Told of each line at once: a worker's precondition that fails takes the rest along.
  var print: ((String) -> Void)?

  init(isRecording: Bool) { self.isRecording = isRecording }

  func note(_ line: @autoclosure () -> String) {
    guard isRecording else { return }
    let line = prefix() + line()
    lines.append(line)
    if let print { print(line) }
  }

  func step(_ kind: Int, _ detail: Int) {
    digest = (digest ^ UInt64(truncatingIfNeeded: kind &* 1_000_003 &+ detail)) &* 0x0000_0100_0000_01B3
  }
}
