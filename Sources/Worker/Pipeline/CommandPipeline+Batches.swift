import AMQP
import CoreMetrics
import Lifecycle
import Logging
import ServiceLifecycle
import Store

extension CommandPipeline {
  /// Takes what has arrived, commits it, acks it; a parked command whose patience ends, or a snapshot that goes on, is
  /// a batch without deliveries.
  func takeBatches(from connection: any ConsumingConnection) async throws {
    while !Task.isShuttingDownGracefully {
      let inbound = try await nextInbound(from: connection)
      // A wait that is cancelled brings nothing. What had come goes back to the broker with the channel.
      try Task.checkCancellation()
      let deliveries = try inbound.compactMap(delivery)
      listen(to: deliveries, outOf: inbound)
      let batch = isCareful ? try await takeCarefully(deliveries, over: connection) : try await receive(deliveries)
      if !batch.isEmpty || lot.nextDeadline.map({ $0 <= monotonicNow }) ?? false {
        try await commit(batch, over: connection)
      }
      if hasSnapshotRun { try await continueSnapshot() }
      try watchForDeafness()
    }
  }

  var monotonicNow: Duration { clock.uptime - started }

  /// Waits for deliveries, no longer than the first parked command may, or than the watch for deafness sleeps; not at all
  /// while a snapshot has more to publish.
  private func nextInbound(from connection: any ConsumingConnection) async throws -> [Inbound] {
    let deadline = lot.nextDeadline.map { min($0, nextLook) } ?? nextLook
    let limit = hasSnapshotRun ? .milliseconds(1) : max(.zero, deadline - monotonicNow)
    // Not `cancelledByShutdown`: its tasks are dear for each lone command.
    return try await withGracefulShutdownHandler {
      try await connection.receive(maxCount: Self.maxBatchCount, maxBytes: Self.maxBatchBytes, atMost: limit)
    } onGracefulShutdown: {
      connection.endWait()
    }
  }

  private func delivery(_ inbound: Inbound) throws -> Delivery? {
    switch inbound {
    case .delivery(let delivery): return delivery
    case .consumerCancelled(let tag):
      throw ConsumerCancelled(queue: topology.queue(of: sources[tag] ?? .deadLetters))
    case .blocked, .unblocked: return nil
    case .returned, .confirmed, .nacked: preconditionFailure("the consuming connection publishes nothing")
    }
  }

  func source(of delivery: Delivery) -> Source {
    guard let source = sources[delivery.consumer] else {
      preconditionFailure("a delivery for a subscription that was not made")
    }
    return source
  }

  private func receive(_ deliveries: [Delivery]) async throws -> [Received] {
    guard !crashed.isEmpty else { return deliveries.map(decode) }
    var batch: [Received] = []
    for delivery in deliveries { batch.append(try await keptBefore(delivery) ?? decode(delivery)) }
    return batch
  }

  func decode(_ delivery: Delivery) -> Received {
    KillPoint.reach(message: delivery.properties.messageID)
    return intake.receive(delivery, from: source(of: delivery))
  }

  /// - Parameter suspect: a note that stands for the one message of the batch, to be taken back with its transaction.
  func commit(_ batch: [Received], over connection: any ConsumingConnection, suspect: [UInt8]? = nil) async throws {
    guard let fence = activity.value.fence else { preconditionFailure("only an active worker commits") }
    let begun = clock.uptime
    let rules = BatchRules(
      topology: topology, intake: intake, patience: settings.parking.patience, now: clock.now,
      monotonicNow: monotonicNow, random: world.random)
    let confirmed = outbox.state.value.pending
    KillPoint.beforeCommit.reach()
    let result = try await store.commit(owner: fence) { [lot] transaction throws(StoreError) in
      if let confirmed { _ = try transaction.deleteOutbox(through: confirmed) }
      if let suspect { try transaction.clearSuspect(suspect) }
      let processor = BatchProcessor(transaction: transaction, rules: rules, lot: lot)
      let result = try processor.process(batch)
      KillPoint.inTransaction.reach()
      return result
    }
    KillPoint.afterCommit.reach()
    if let confirmed { outbox.marked(through: confirmed) }
    outbox.committed(result.events)
    lot = result.lot
    if !batch.isEmpty { storeBackoff.reset() }
    hasSnapshotRun = hasSnapshotRun || result.hasNewSnapshot
    let acks = ledger.acks(settled: result.settled, parked: lot.payloads.lazy.map(\.delivery.tag))
    KillPoint.beforeAck.reach()
    await connection.ack(upTo: acks.upTo, and: acks.single)
    KillPoint.afterAck.reach()
    replier.send(result.replies)
    count(result, batchSize: batch.count, since: begun)
    tell(of: result.letters)
  }

  /// A line a letter, and no more than so many a batch: a flood of refusals must not become one of log lines.
  private func tell(of letters: [LetterNote]) {
    for note in letters.prefix(LetterNote.maxLines) {
      logger.log(
        .info, "dead letter \(note.kind.rawValue)",
        [.deadLetter: note.id, .command: note.command, .code: note.code?.rawValue ?? "-"])
    }
    if letters.count > LetterNote.maxLines {
      logger.log(.info, "and more dead letters", [.count: letters.count - LetterNote.maxLines])
    }
    for kind in LetterNote.Kind.allCases {
      let count = letters.count { $0.kind == kind }
      if count > 0 { instruments.countLetters(kind, by: count) }
    }
  }

  private func count(_ result: BatchProcessor.Result, batchSize: Int, since begun: Duration) {
    let tally = result.tally
    for (decided, count) in tally.decided { instruments.countDecided(decided.command, decided.outcome, by: count) }
    for (command, count) in tally.duplicates { instruments.countDuplicate(command, by: count) }
    for (code, count) in tally.rejections { instruments.countRejected(code, by: count) }
    instruments.deadLettersTakenIn.increment(by: Int64(tally.takenIn))
    instruments.parked.record(lot.count)
    instruments.batchSize.record(batchSize)
    let (seconds, attoseconds) = (clock.uptime - begun).components
    instruments.batchDuration.recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}
