import AMQP
import Logging
import Store

// Whether the store is the one whose events the broker keeps, and not an earlier copy of it (contract section 6).
extension CommandPipeline {
  /// Throws where this worker must not run on its store. Once for each process; a standby that takes over is one.
  ///
  /// - Parameter isNew: the events log was not there a moment ago.
  func checkStore(logIsNew isNew: Bool) async throws {
    // A standby that waited while a backup was restored has the store open that was put aside.
    guard try store.isInPlace() else {
      throw WorkerError(
        .unavailable,
        "the store \(settings.store.path) was replaced while this worker had it open (a backup was restored); start it "
          + "again, and it takes the one that is there now")
    }
    guard !hasCheckedLog else { return }
    if settings.events.log.isEnabled, !isNew, let refusal = try await refusalByLog() {
      throw WorkerError(.refusedToStart, refusal)
    }
    hasCheckedLog = true
  }

  /// Says at once what would keep a standby from taking over. It is looked at again when it does.
  func warnOfRefusal() async {
    guard settings.events.log.isEnabled, !hasCheckedLog else { return }
    guard let refusal = try? await refusalByLog() else { return }
    logger.log(.error, "this standby could not take over: its store would be refused", [.error: refusal])
  }

  /// Whether there is an events log to compare the store with.
  func logExists(on connection: any ConsumingConnection) async throws(AMQPError) -> Bool {
    guard settings.events.log.isEnabled, !hasCheckedLog else { return true }
    do throws(AMQPError) {
      try await connection.find(.queue(name: topology.eventsLogQueue, arguments: [:]))
      return true
    } catch {
      guard !error.isConnectionLost else { throw error }
      try await connection.openChannel()
      // What is there and cannot be asked for just now is there.
      return error.code != .notFound || !(error.cause?.contains("no queue") ?? false)
    }
  }

  private func refusalByLog() async throws -> String? {
    let end = try await endOfLog()
    // After the log: a store that is written to meanwhile is never behind its own events.
    let meta = try await store.read { snapshot throws(StoreError) in try snapshot.meta() }
    return StartCheck(meta, end: end).refusal(meta, at: settings.store.path, log: topology.eventsLogQueue)
  }

  private func endOfLog() async throws -> LogEnd? {
    let log = EventsLog(settings)
    let tail: EventsLog.Tail
    do throws(AMQPError) {
      try await log.open()
      tail = try await log.tail()
    } catch {
      await log.close()
      guard error.code == .accessRefused else { throw error }
      throw WorkerError(
        .refusedToStart,
        "the user of amqp.uri may not read \(topology.eventsLogQueue), with which the store is compared before anything is "
          + "done; give it the permission to read, or set events.log.enabled to false", cause: error)
    }
    await log.close()
    switch tail {
    case .empty: return nil
    case .noStream:
      logger.log(
        .warning, "the store cannot be compared with the events log, which is not a stream",
        [.queue: topology.eventsLogQueue])
      return nil
    case .messages(let messages, _):
      guard let end = messages.end else {
        logger.log(
          .warning, "the store cannot be compared with the events log, at whose end there are no events",
          [.queue: topology.eventsLogQueue])
        return nil
      }
      return end
    }
  }
}
