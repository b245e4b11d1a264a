import Synchronization

/// A value that other tasks can wait on. Waiting ends with the task that waits.
package final class Watched<Value: Sendable>: Sendable {
  private struct Waiter {
    let condition: @Sendable (Value) -> Bool
    let continuation: CheckedContinuation<Value?, Never>
  }
  private struct State {
    var value: Value
    var waiters: [UInt64: Waiter] = [:]
    var nextWaiter: UInt64 = 0
    /// Cancelled before they were entered; a cancellation can come first.
    var cancelled: Set<UInt64> = []
  }
  private let state: Mutex<State>

  package init(_ value: Value) { state = Mutex(State(value: value)) }

  package var value: Value { state.withLock { $0.value } }

  package func set(_ value: Value) { update { $0 = value } }

  @discardableResult
  package func update<Result: Sendable>(_ change: (inout Value) -> Result) -> Result {
    let (value, result, woken) = state.withLock { state in
      let result = change(&state.value)
      var woken: [Waiter] = []
      if !state.waiters.isEmpty {
        // In the order in which they came: a run that is repeated must wake them alike.
        for (id, waiter) in state.waiters.sorted(by: { $0.key < $1.key }) where waiter.condition(state.value) {
          state.waiters[id] = nil
          woken.append(waiter)
        }
      }
      return (state.value, result, woken)
    }
    for waiter in woken { waiter.continuation.resume(returning: value) }
    return result
  }

  /// Waits until the condition holds.
  ///
  /// - Throws: `CancellationError` when the waiting task is cancelled first.
  package func wait(until condition: @escaping @Sendable (Value) -> Bool) async throws -> Value {
    let id = state.withLock { state in
      defer { state.nextWaiter += 1 }
      return state.nextWaiter
    }
    let value: Value? = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let immediate: Value?? = state.withLock { state in
          if state.cancelled.remove(id) != nil { return .some(nil) }
          if condition(state.value) { return .some(state.value) }
          state.waiters[id] = Waiter(condition: condition, continuation: continuation)
          return nil
        }
        if let immediate { continuation.resume(returning: immediate) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        guard let waiter = state.waiters.removeValue(forKey: id) else {
          state.cancelled.insert(id)
          return nil as Waiter?
        }
        return waiter
      }
      waiter?.continuation.resume(returning: nil)
    }
    state.withLock { _ = $0.cancelled.remove(id) }
    guard let value else { throw CancellationError() }
    return value
  }

  /// Waits until the condition holds, at most so long.
  ///
  /// - Returns: `nil` when time is up.
  /// - Throws: `CancellationError` when the waiting task is cancelled first.
  package func wait(
    atMost duration: Duration, by clock: any WorkerClock = SystemClock(),
    until condition: @escaping @Sendable (Value) -> Bool
  ) async throws -> Value? {
    try await withThrowingTaskGroup { group in
      group.addTask { try await self.wait(until: condition) as Value? }
      group.addTask {
        try await clock.sleep(for: duration)
        return nil
      }
      defer { group.cancelAll() }
      guard let first = try await group.next() else { preconditionFailure("two tasks were added") }
      return first
    }
  }
}
