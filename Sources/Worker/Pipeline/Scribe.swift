import AMQP
import Lifecycle
import Store

/// Writes how a command ended: state, history, dedup row, event, dead letter and reply, all in the batch's transaction.
struct Scribe {
  struct Written {
    var reply: OutgoingReply?
    /// A server whose parked commands are to be decided again.
    var changedServer: ServerID?
  }

  let transaction: Transaction
  let rules: BatchRules
  /// What was written to the outbox.
  private(set) var events: [OutboxEvent] = []
  /// What became of dead letters.
  var letters: [LetterNote] = []

  init(transaction: Transaction, rules: BatchRules) {
    self.transaction = transaction
    self.rules = rules
  }

  mutating func write(_ settlement: Settlement, of task: CommandTask) throws(StoreError) -> Written {
    switch settlement {
    case .over: return Written()
    case .alreadyApplied:
      if let replayed = task.replayed {
        try transaction.end(replayed.replay, with: .alreadyApplied, at: rules.now)
        note(.resolved, replayed, task.queue)
      }
      return Written()
    case .duplicate(let record): return Written(reply: try answerAgain(record, task))
    case .lostDuplicate(let lost): return Written(reply: try answerAgain(lost, task))
    case .changed(let transition, let charge): return try change(transition, charge, task)
    case .quotaSet(let key, let previous, let limit):
      return Written(reply: try setQuota(key, from: previous, to: limit, task))
    case .snapshot(let scope): return Written(reply: try noteSnapshot(scope, task))
    case .unchanged(let server): return Written(reply: try leave(server, task))
    case .rejected(let rejection, let takesKey):
      return Written(reply: try reject(rejection, takesKey: takesKey, task))
    }
  }

  // MARK: Applied

  private mutating func change(
    _ transition: Transition, _ charge: QuotaCharge?, _ task: CommandTask
  ) throws(StoreError) -> Written {
    let server = transition.server
    let position = transaction.nextPosition()
    let data = StateDocument.encode(server, task.facts, allocation: transition.allocation)
    try transaction.apply(
      transition,
      as: HistoryEntry(
        position: position, serverID: server.id, version: server.version, at: server.changedAt,
        happening: .changed(transition.event), command: task.queue, operation: task.operation,
        actor: task.actor, replayedBy: task.replayedBy, reason: task.reason, since: task.since, data: data))
    let event = StateEvent(
      event: transition.event, serverID: server.id, version: server.version, state: server.state.name,
      locationID: server.locationID, data: data)
    let id = try publish(.state(event), position: position, time: server.changedAt, task.delivery)
    try succeed(task, .applied)
    let quota = charge.map(QuotaPart.encode)
    try record(
      task, .applied, server: server.id, version: server.version, position: position, reply: quota)
    let reply = answer(task) {
      Reply(
        command: task.queue, operation: task.operation, outcome: .applied, server: data, quota: quota,
        eventIDs: [id])
    }
    return Written(reply: reply, changedServer: server.id)
  }

  private mutating func setQuota(
    _ key: QuotaKey, from previous: Int?, to limit: Int?, _ task: CommandTask
  ) throws(StoreError) -> OutgoingReply? {
    _ = try transaction.setQuota(key, limit: limit)
    let position = transaction.nextPosition()
    let event = QuotaEvent(key: key, oldLimit: previous, newLimit: limit, facts: task.facts)
    let id = try publish(.quota(event), position: position, time: rules.now, task.delivery)
    try succeed(task, .applied)
    try record(task, .applied, position: position)
    return answer(task) {
      Reply(command: task.queue, operation: task.operation, outcome: .applied, eventIDs: [id])
    }
  }

  private mutating func noteSnapshot(_ scope: SnapshotScope, _ task: CommandTask) throws(StoreError) -> OutgoingReply? {
    try transaction.note(
      SnapshotRequest(
        scope: scope, operation: task.operation, actor: task.actor, replayedBy: task.replayedBy,
        traceparent: task.delivery.traceparent, notedAt: rules.now))
    try succeed(task, .applied)
    try record(task, .applied)
    return answer(task) { Reply(command: task.queue, operation: task.operation, outcome: .applied) }
  }

  // MARK: Unchanged

  private mutating func leave(_ server: Server?, _ task: CommandTask) throws(StoreError) -> OutgoingReply? {
    let position = transaction.nextPosition()
    let event = CommandEvent(
      kind: .unchanged, facts: task.facts, serverID: task.message.command.serverID,
      clientID: task.message.command.clientID)
    let id = try publish(.command(event), position: position, time: rules.now, task.delivery)
    try succeed(task, .unchanged)
    try record(task, .unchanged, server: server?.id, version: server?.version, position: position)
    guard task.wantsReply(rules.topology.namespace) else { return nil }
    let state = try server.flatMap { server throws(StoreError) in
      try transaction.stateData(of: server.id, version: server.version)
    }
    return answer(task) {
      Reply(
        command: task.queue, operation: task.operation, outcome: .unchanged, server: state, eventIDs: [id])
    }
  }

  /// Resolves the letter that was replayed, and tells of it.
  private mutating func succeed(_ task: CommandTask, _ result: ReplayResult) throws(StoreError) {
    guard let replayed = task.replayed else { return }
    try transaction.end(replayed.replay, with: result, at: rules.now)
    note(.resolved, replayed, task.queue)
    let command = task.message.command
    let event = CommandEvent(
      kind: .replayed, facts: task.facts, serverID: command.serverID, clientID: command.clientID,
      deadLetterID: replayed.replay.letterID)
    _ = try publish(.command(event), position: transaction.nextPosition(), time: rules.now, task.delivery)
  }

  private mutating func note(_ kind: LetterNote.Kind, _ replayed: Replayed, _ command: CommandName) {
    letters.append(
      LetterNote(kind: kind, id: replayed.replay.letterID, command: command.rawValue, code: nil))
  }

  // MARK: Decided before

  private func answerAgain(_ record: OperationRecord, _ task: CommandTask) throws(StoreError) -> OutgoingReply? {
    guard task.wantsReply(rules.topology.namespace) else { return nil }
    var reply = Reply(
      command: task.queue, operation: task.operation, outcome: record.outcome, isDuplicate: true,
      eventIDs: try record.eventPosition.map { position throws(StoreError) in [try earlierEventID(at: position)] }
        ?? [],
      deadLetterID: record.deadLetterID)
    switch record.outcome {
    case .applied, .unchanged: reply.quota = record.reply
    case .rejected: reply.error = record.reply
    }
    if let id = record.serverID, let version = record.serverVersion {
      reply.server = try transaction.stateData(of: id, version: version)
      if let now = try transaction.server(id), now.version != version {
        reply.current = Reply.Current(state: now.state.name, version: now.version)
      }
    }
    return answer(task) { reply }
  }

  /// What is known of it is what its event told. The server has moved on, at least to where the restore has put it.
  private func answerAgain(_ lost: LostOperation, _ task: CommandTask) throws(StoreError) -> OutgoingReply? {
    guard task.wantsReply(rules.topology.namespace) else { return nil }
    var reply = Reply(
      command: task.queue, operation: task.operation, outcome: lost.outcome, isDuplicate: true, server: lost.data,
      eventIDs: [lost.eventID])
    if let now = try lost.serverID.flatMap({ id throws(StoreError) in try transaction.server(id) }) {
      reply.current = Reply.Current(state: now.state.name, version: now.version)
    }
    return answer(task) { reply }
  }

  // MARK: Parts

  mutating func publish(
    _ event: Event, position: Int64, time: Timestamp, _ delivery: Delivery
  ) throws(StoreError) -> UUID128 {
    let place = EventPlace(
      storeID: transaction.storeID, epoch: transaction.epoch, position: position, time: time,
      traceparent: delivery.traceparent)
    let waiting = OutboxEvent(event, at: place)
    try transaction.enqueue(waiting)
    events.append(waiting)
    return place.id
  }

  /// Of an event of this transaction.
  func eventID(at position: Int64) -> UUID128 {
    EventID.make(storeID: transaction.storeID, epoch: transaction.epoch, position: position)
  }

  /// Of an event of any time: before a restore positions were of another epoch.
  private func earlierEventID(at position: Int64) throws(StoreError) -> UUID128 {
    EventID.make(
      storeID: transaction.storeID, epoch: try transaction.epoch(ofPosition: position), position: position)
  }

  /// Stores the outcome under the key, where there is one; a success closes the letters of earlier attempts.
  func record(
    _ task: CommandTask, _ outcome: Outcome, server: ServerID? = nil, version: Int64? = nil, position: Int64? = nil,
    letter: UUID128? = nil, reply: [UInt8]? = nil
  ) throws(StoreError) {
    guard let key = task.message.key else { return }
    let record = OperationRecord(
      key: key, attempt: task.message.attempt, fingerprint: task.message.fingerprint, outcome: outcome,
      decidedAt: rules.now, serverID: server, serverVersion: version, eventPosition: position,
      deadLetterID: letter, reply: reply)
    // A replay decides an attempt that was decided before.
    if task.replayed != nil,
      try transaction.attempts(of: key).contains(where: { $0.attempt == record.attempt })
    {
      try transaction.replace(record)
    } else {
      try transaction.record(record)
    }
    switch outcome {
    case .applied, .unchanged:
      if task.message.attempt > 1 {
        _ = try transaction.resolveLetters(ofKey: key, before: task.message.attempt, at: rules.now)
      }
    case .rejected: break
    }
  }

  func answer(_ task: CommandTask, _ make: () -> Reply) -> OutgoingReply? {
    guard let address = ReplyAddress(of: task.delivery, namespace: rules.topology.namespace) else { return nil }
    return OutgoingReply(address: address, body: ReplyEncoder.encode(make()))
  }
}

extension CommandTask {
  var facts: OperationFacts {
    OperationFacts(command: queue, operation: operation, actor: actor, replayedBy: replayedBy)
  }

  var replayedBy: String? { replayed?.replay.askedBy }

  func wantsReply(_ namespace: Namespace) -> Bool { ReplyAddress(of: delivery, namespace: namespace) != nil }
}
