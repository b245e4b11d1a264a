import CRabbitMQ
import Glibc
import Synchronization

/// What lives on a `ConnectionThread` besides the actor's jobs: the owner of a socket. Called on that thread only.
protocol ThreadClient: AnyObject {
  /// What to wait for. Called before every wait; the place to write what is waiting to be written.
  func prepareToWait() -> ThreadWait
  /// After every wait.
  func resumeAfterWait(_ events: ThreadEvents)
  /// The thread ends; nothing is called afterwards.
  func threadEnds()
}

struct ThreadWait {
  /// -1: no socket.
  var descriptor: Int32 = -1
  var wantsRead = false
  var wantsWrite = false
  /// nil: until something happens.
  var timeoutMilliseconds: Int32?
}

struct ThreadEvents {
  var readable = false
  var writable = false
  /// Error or hang-up on the socket.
  var failed = false
}

/// A value that may only be touched on one thread, so that it can be carried there.
///
/// @unchecked: the value is not protected by anything. Invariant: whoever holds a `ThreadBound` of a `ConnectionThread`
/// reads `value` only in jobs and closures which that thread runs.
struct ThreadBound<Value>: @unchecked Sendable {
  let value: Value
}

/// The serial executor of one connection: a thread of its own, with the stack that librabbitmq's recursion needs, which
/// runs the actor's jobs and waits in `poll()` for the socket, a wake-up or the next deadline. It may block, Swift's
/// cooperative pool is never involved.
///
/// It also runs the tasks that prefer it (``ConnectionTaskExecutor``). The thread ends after `stop()`, which the actor's
/// deinit calls.
final class ConnectionThread: SerialExecutor {
  /// librabbitmq 0.11 decodes nested tables by unbounded recursion; the deepest that fits a frame takes 2.4 MiB.
  static let stackBytes = 8 * 1024 * 1024

  private static let maxRounds = 16

  private enum Work {
    case job(UnownedJob)
    case task(UnownedJob, ConnectionTaskExecutor)
    case closure(@Sendable () -> Void)
  }

  private struct Queue {
    var work: [Work] = []
    var isWakeUpPending = false
    /// Those who are about to write to the descriptor, or have.
    var wakeUps: UInt64 = 0
    var isStopped = false
    var hasEnded = false
    /// Set by the thread before it runs anything.
    var thread: pthread_t?
  }

  private let queue = Mutex(Queue())
  private let wakeUpDescriptor: Int32
  /// How many wake-ups have come. Touched on the thread only.
  private nonisolated(unsafe) var wakeUpsSeen: UInt64 = 0

  init() {
    wakeUpDescriptor = ostler_wakeup_create()
    precondition(wakeUpDescriptor >= 0, "no descriptor left for a connection (ulimit -n)")
  }

  /// Starts the thread. It keeps itself and the client alive until it ends.
  func start(_ client: ThreadBound<any ThreadClient>) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, Self.stackBytes)
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    let start = Unmanaged.passRetained(Start(thread: self, client: client))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        start.thread.run(start.client.value)
        return nil
      }, start.toOpaque())
    precondition(status == 0, "no thread left for a connection (ulimit -u): \(status)")
  }

  private final class Start {
    let thread: ConnectionThread
    let client: ThreadBound<any ThreadClient>

    init(thread: ConnectionThread, client: ThreadBound<any ThreadClient>) {
      self.thread = thread
      self.client = client
    }
  }

  // MARK: - From any thread

  func enqueue(_ job: consuming ExecutorJob) { add(.job(UnownedJob(job))) }

  func enqueue(_ job: consuming ExecutorJob, of executor: ConnectionTaskExecutor) {
    add(.task(UnownedJob(job), executor))
  }

  /// Runs a closure on the thread, after what is queued. After the thread's end it is dropped.
  func submit(_ closure: @escaping @Sendable () -> Void) { add(.closure(closure)) }

  func stop() {
    let mustWake = queue.withLock {
      $0.isStopped = true
      return $0.hasEnded ? false : Self.mustWake(&$0)
    }
    if mustWake { ostler_wakeup_send(wakeUpDescriptor) }
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  func checkIsolated() { precondition(isCurrent, "not on the connection's thread") }

  private var isCurrent: Bool {
    queue.withLock { $0.thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
  }

  private func add(_ work: Work) {
    let (isTaken, mustWake) = queue.withLock { queue in
      guard !queue.hasEnded else { return (false, false) }
      queue.work.append(work)
      return (true, Self.mustWake(&queue))
    }
    // After the lock is free: the thread takes it first of all. The work may be done by now, and with it all that keeps
    // us may be gone; the thread does not end before this has come.
    if mustWake { ostler_wakeup_send(wakeUpDescriptor) }
    if isTaken { return }
    switch work {
    case .task(let job, _): globalConcurrentExecutor.enqueue(ExecutorJob(job))
    // The actor is gone, and with it whoever could have a job for it.
    case .job, .closure: break
    }
  }

  /// Whether the thread has to be woken, which the caller then does.
  private static func mustWake(_ queue: inout Queue) -> Bool {
    guard !queue.isWakeUpPending else { return false }
    queue.isWakeUpPending = true
    // The thread itself looks at the queue before it waits.
    if let thread = queue.thread, pthread_equal(thread, pthread_self()) != 0 { return false }
    queue.wakeUps += 1
    return true
  }

  // MARK: - On the thread

  private func run(_ client: any ThreadClient) {
    // Signals are for the threads of the program.
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    ostler_name_thread("amqp")
    queue.withLock { $0.thread = pthread_self() }

    while runWork() { client.resumeAfterWait(wait(client.prepareToWait())) }
    client.threadEnds()
    let wakeUps = queue.withLock { $0.wakeUps }
    while wakeUpsSeen < wakeUps { _ = wait(ThreadWait()) }
    close(wakeUpDescriptor)
  }

  /// Runs what is queued, and what that queues in turn: a task that goes back and forth between the actor and itself needs
  /// no look at the socket each time. Not without end, because the socket has to be looked at.
  ///
  /// - Returns: `false` when the thread is to end.
  private func runWork() -> Bool {
    for _ in 0..<Self.maxRounds {
      let (work, hasEnded) = queue.withLock { queue in
        queue.hasEnded = queue.isStopped && queue.work.isEmpty
        defer {
          queue.work = []
          queue.isWakeUpPending = false
        }
        return (queue.work, queue.hasEnded)
      }
      if hasEnded { return false }
      if work.isEmpty { return true }
      for work in work { run(work) }
    }
    return true
  }

  private func run(_ work: Work) {
    switch work {
    case .task(let job, let executor): job.runSynchronously(on: executor.asUnownedTaskExecutor())
    case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
    case .closure(let closure): closure()
    }
  }

  private func wait(_ wait: ThreadWait) -> ThreadEvents {
    let hasWork = queue.withLock { !$0.work.isEmpty || ($0.isStopped && !$0.hasEnded) }
    let timeout = hasWork ? 0 : wait.timeoutMilliseconds ?? -1
    var interest: Int32 = 0
    if wait.wantsRead { interest |= POLLIN }
    if wait.wantsWrite { interest |= POLLOUT }
    var descriptors = (
      pollfd(fd: wakeUpDescriptor, events: Int16(POLLIN), revents: 0),
      // poll() passes over a descriptor of -1.
      pollfd(fd: wait.descriptor, events: Int16(interest), revents: 0)
    )
    let count = withUnsafeMutableBytes(of: &descriptors) {
      poll($0.assumingMemoryBound(to: pollfd.self).baseAddress, 2, timeout)
    }
    guard count > 0 else { return ThreadEvents() }
    if descriptors.0.revents != 0 {
      wakeUpsSeen += ostler_wakeup_clear(wakeUpDescriptor)
    }
    let events = Int32(descriptors.1.revents)
    return ThreadEvents(
      readable: events & POLLIN != 0, writable: events & POLLOUT != 0,
      failed: events & (POLLERR | POLLHUP | POLLNVAL) != 0)
  }
}
