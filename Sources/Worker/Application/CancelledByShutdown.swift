import ServiceLifecycle

/// Runs the operation, and cancels it when the service is asked to stop. What it returns or throws is the result.
///
/// As `cancelWhenGracefulShutdown`, but of child tasks alone: they run where their parent runs, so that a simulation has
/// all of a worker's work in its hands.
func cancelledByShutdown<Value: Sendable>(
  _ operation: @Sendable @escaping () async throws -> Value
) async throws -> Value {
  let isAsked = Watched(false)
  return try await withGracefulShutdownHandler {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await operation() }
      group.addTask {
        _ = try? await isAsked.wait { $0 }
        return nil
      }
      while let ended = try await group.next() {
        group.cancelAll()
        if let value = ended { return value }
      }
      preconditionFailure("the operation ends with a value or an error")
    }
  } onGracefulShutdown: {
    isAsked.set(true)
  }
}
