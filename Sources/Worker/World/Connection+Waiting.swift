package import AMQP

extension Connection {
  /// Receives as ``Connection/receive(maxCount:maxBytes:)`` does, waiting no longer than `limit`.
  ///
  /// - Returns: nothing when time is up, or when the waiting task is cancelled.
  package nonisolated func receive(
    maxCount: Int, maxBytes: Int, atMost limit: Duration?
  ) async throws(AMQPError) -> [Inbound] {
    guard let limit else {
      do throws(AMQPError) {
        return try await receive(maxCount: maxCount, maxBytes: maxBytes)
      } catch {
        return try Self.orNothing(.failure(error))
      }
    }
    let receiving = Task { () async -> Result<[Inbound], AMQPError> in
      do throws(AMQPError) {
        return .success(try await self.receive(maxCount: maxCount, maxBytes: maxBytes))
      } catch {
        return .failure(error)
      }
    }
    // What was received just as time ran out is in the task's result all the same: nothing is dropped.
    let timer = Task {
      try? await Task.sleep(for: limit)
      receiving.cancel()
    }
    defer { timer.cancel() }
    let result = await withTaskCancellationHandler {
      await receiving.value
    } onCancel: {
      receiving.cancel()
    }
    return try Self.orNothing(result)
  }

  /// A wait that was ended brought nothing; any other error is one.
  private static func orNothing(_ result: Result<[Inbound], AMQPError>) throws(AMQPError) -> [Inbound] {
    switch result {
    case .success(let inbound): inbound
    case .failure(let error): if error.code == .cancelled { [] } else { throw error }
    }
  }
}
