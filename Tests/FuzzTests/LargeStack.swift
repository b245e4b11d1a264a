import Foundation

@testable import AMQP

/// A thread with the stack that connections have: librabbitmq decodes nested tables by recursion.
enum LargeStack {
  /// Runs it there, and returns when it has run.
  static func run(_ body: @escaping @Sendable () -> Void) {
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
      body()
      done.signal()
    }
    thread.stackSize = ConnectionThread.stackBytes
    thread.start()
    done.wait()
  }
}
