import ServiceLifecycle

/// Waits; no longer than until the worker is asked to stop. Once it has been asked, it waits as long as it says: what is
/// left to do then is tried at the same pace.
///
/// - Throws: `CancellationError` when the grace of a shutdown is over.
func rest(for delay: Duration, by clock: any WorkerClock) async throws {
  if Task.isShuttingDownGracefully {
    try await clock.sleep(for: delay)
  } else {
    try? await cancelledByShutdown { try await clock.sleep(for: delay) }
    try Task.checkCancellation()
  }
}
