import AMQP
import Logging
import ServiceLifecycle

/// The lock of the active worker: the exclusive queue `<ns>.worker` of the consuming connection (AMQP 0-9-1,
/// queue.declare, `exclusive`). A second worker is refused it and waits as a standby.
struct WorkerLock {
  static let retryDelay = Duration.seconds(1)

  let queue: String
  let health: Health
  let clock: any WorkerClock
  let logger: Logger

  /// Waits until the lock is ours.
  ///
  /// - Parameter standby: told once that another worker has it: the broker has taken us in, and waiting is all right.
  /// - Returns: `false` when asked to stop first.
  func acquire(on connection: any ConsumingConnection, standby: () async -> Void) async throws -> Bool {
    var hasSaidSo = false
    while !Task.isShuttingDownGracefully {
      do throws(AMQPError) {
        try await connection.lock(queue)
        if hasSaidSo { logger.log(.notice, "the lock is free; taking over", [.queue: queue]) }
        return true
      } catch {
        guard error.code == .resourceLocked else { throw error }
        if !hasSaidSo {
          logger.log(.notice, "another worker is active; waiting as a standby", [.queue: queue])
          health.set(.lock, .notReady("standby: another worker is active"))
          await standby()
          hasSaidSo = true
        }
        try await connection.openChannel()
        try? await cancelledByShutdown { [clock] in try await clock.sleep(for: Self.retryDelay) }
      }
    }
    return false
  }
}
