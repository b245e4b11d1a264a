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
  /// - Parameters:
  ///   - isWanted: whether it is worth waiting for any longer.
  ///   - standby: told once that another worker has it: the broker has taken us in, and waiting is all right.
  /// - Returns: `false` when it is no longer wanted.
  /// - Throws: ``TopologyError``: `differs` where a queue of that name is there which is no lock, `notAllowed`.
  func acquire(
    on connection: any ConsumingConnection, while isWanted: () -> Bool, standby: () async -> Void
  ) async throws -> Bool {
    var hasSaidSo = false
    while isWanted() {
      do throws(AMQPError) {
        try await connection.lock(queue)
        if hasSaidSo { logger.log(.notice, "the lock is free; taking over", [.queue: queue]) }
        return true
      } catch {
        if error.code == .accessRefused {
          throw TopologyError(
            .notAllowed,
            "queue \(queue): the broker does not allow it (\(error.cause ?? error.message)); the user of amqp.uri needs the "
              + "permission to configure this queue, the lock of the active worker, whatever amqp.topology says",
            cause: error)
        }
        guard error.code == .resourceLocked else { throw error }
        if !hasSaidSo {
          try await checkThatSomebodyHasIt(on: connection)
          logger.log(.notice, "another worker is active; waiting as a standby", [.queue: queue])
          health.set(.lock, .notReady("standby: another worker is active"))
          for part in [Health.Part.consumer, .publisher] { health.set(part, .notReady("waits for the lock")) }
          await standby()
          hasSaidSo = true
        }
        try await connection.openChannel()
        try await rest(for: Self.retryDelay, by: clock)
      }
    }
    return false
  }

  /// The broker refuses a queue that is not exclusive in the same words as one that another connection has for itself; but
  /// only the first can be looked at.
  private func checkThatSomebodyHasIt(on connection: any ConsumingConnection) async throws {
    try await connection.openChannel()
    do throws(AMQPError) {
      try await connection.find(.queue(name: queue, arguments: [:]))
    } catch {
      guard error.code == .resourceLocked || error.code == .notFound else { throw error }
      return
    }
    throw TopologyError(
      .differs,
      "queue \(queue): it is there and belongs to no connection; expected is an exclusive queue, the lock of the active "
        + "worker; delete it ('rabbitmqctl delete_queue'), or take another amqp.namespace")
  }
}
