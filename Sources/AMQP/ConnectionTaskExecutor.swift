/// Runs tasks on a connection's own thread: what they take from the connection, or give it, needs no other thread to wake up.
///
/// For work that waits for that connection and for little else: while it runs, nothing is read and no heartbeat is sent.
/// After the thread's end (the ``Connection`` is gone) tasks go on in the cooperative pool.
final class ConnectionTaskExecutor: TaskExecutor {
  private let thread: ConnectionThread

  init(_ thread: ConnectionThread) { self.thread = thread }

  func enqueue(_ job: consuming ExecutorJob) { thread.enqueue(job, of: self) }
}
