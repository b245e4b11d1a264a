import Foundation

@testable import AMQP

/// A thread with the stack that connections have: librabbitmq decodes nested tables by recursion.
enum LargeStack {
  /// Runs it there, and returns when it has run.
  static func run(_ body: @escaping @Sendable () -> Void) {
    let done = DispatchSemaphore(value: 0)
    start {
      body()
      done.signal()
    }
    done.wait()
  }

  /// Runs it there, and returns at once.
  static func start(_ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.stackSize = ConnectionThread.stackBytes
    thread.start()
  }
}
