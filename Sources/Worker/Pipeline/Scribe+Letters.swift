import AMQP
import Lifecycle
import Store

// What could not be applied: kept as a dead letter, told of, and answered.
extension Scribe {
  mutating func reject(
    _ rejection: Rejection, takesKey: Bool, _ task: CommandTask
  ) throws(StoreError) -> OutgoingReply? {
    let error = ErrorPart.encode(rejection)
    let command = task.message.command
    let letter = try keep(
      LetterFacts(
        delivery: task.delivery, actor: task.actor, command: task.queue.rawValue,
        queue: rules.topology.commandQueue(task.queue), rejection: rejection, serverID: command.serverID,
        clientID: command.clientID, operation: task.operation,
        key: takesKey ? task.message.key : nil, attempt: task.message.attempt,
        state: task.wantsReply(rules.topology.namespace) ? .answered : .open),
      replayed: task.replayed, kind: .rejected, facts: task.facts, error: error)
    try noteIfQuarantined(command.serverID, rejection, task.facts, reason: task.reason, at: letter.position)
    if takesKey {
      try record(task, .rejected, position: letter.position, letter: letter.id, reply: error)
    }
    return answer(task) {
      Reply(
        command: task.queue, operation: task.operation, outcome: .rejected,
        eventIDs: letter.position.map { [eventID(at: $0)] } ?? [], deadLetterID: letter.id, error: error)
    }
  }

  /// The history of a frozen server also tells what was tried with it.
  private func noteIfQuarantined(
    _ id: ServerID?, _ rejection: Rejection, _ facts: OperationFacts, reason: String?, at position: Int64?
  ) throws(StoreError) {
    guard let position, let id, let command = facts.command, let server = try transaction.server(id),
      case .quarantined = server.state
    else { return }
    try transaction.append(
      HistoryEntry(
        position: position, serverID: id, version: server.version, at: max(rules.now, server.changedAt),
        happening: .rejected(rejection.code), command: command, operation: facts.operation, actor: facts.actor,
        replayedBy: facts.replayedBy, reason: reason, data: nil))
  }

  /// A message that is no command: refused before it could take a key.
  mutating func refuse(
    _ delivery: Delivery, queue: CommandName, _ refusal: Refusal
  ) throws(StoreError) -> OutgoingReply? {
    let error = ErrorPart.encode(refusal.rejection)
    let address = ReplyAddress(of: delivery, namespace: rules.topology.namespace)
    let facts = OperationFacts(command: queue, operation: refusal.operation, actor: delivery.actor)
    let letter = try keep(
      LetterFacts(
        delivery: delivery, actor: delivery.actor, command: queue.rawValue,
        queue: rules.topology.commandQueue(queue), rejection: refusal.rejection, serverID: refusal.serverID,
        clientID: refusal.clientID,
        operation: refusal.operation, key: nil, attempt: nil, state: address == nil ? .open : .answered),
      kind: .rejected, facts: facts, error: error)
    try noteIfQuarantined(refusal.serverID, refusal.rejection, facts, reason: nil, at: letter.position)
    guard let address else { return nil }
    let reply = Reply(
      command: queue, operation: refusal.operation, outcome: .rejected,
      eventIDs: letter.position.map { [eventID(at: $0)] } ?? [], deadLetterID: letter.id, error: error)
    return OutgoingReply(address: address, body: ReplyEncoder.encode(reply))
  }

  /// The same of a replay: its letter opens again.
  mutating func refuse(
    _ replayed: Replayed, _ delivery: Delivery, queue: CommandName, _ refusal: Refusal
  ) throws(StoreError) {
    let facts = OperationFacts(
      command: queue, operation: refusal.operation, actor: replayed.actor, replayedBy: replayed.replay.askedBy)
    _ = try fail(
      replayed, refusal.rejection, kind: .rejected, facts: facts, serverID: refusal.serverID,
      clientID: refusal.clientID, error: ErrorPart.encode(refusal.rejection), delivery)
  }

  /// A replay that the broker dead-lettered: its letter opens again.
  mutating func takeIn(_ delivery: Delivery, _ death: BrokerDeath, _ replayed: Replayed) throws(StoreError) {
    try fail(replayed, death.rejectionOfReplay, delivery)
  }

  /// Takes in what the broker dead-lettered.
  mutating func takeIn(_ delivery: Delivery, _ death: BrokerDeath) throws(StoreError) {
    let rejection = death.rejection
    let salvage = try LetterSalvage(of: delivery, command: death.command, rules: rules, transaction: transaction)
    let facts = OperationFacts(command: death.command, operation: salvage.operation, actor: delivery.actor)
    _ = try keep(
      LetterFacts(
        delivery: delivery, actor: delivery.actor, command: death.originalCommand,
        queue: rules.topology.deadLettersQueue, rejection: rejection, serverID: salvage.serverID,
        clientID: salvage.clientID, operation: salvage.operation, key: salvage.key, attempt: salvage.attempt,
        state: salvage.wasApplied ? .resolved : .open),
      kind: .deadLettered, facts: facts, error: ErrorPart.encode(rejection))
  }

  /// Keeps a message that nobody looks into: not even its operation is read.
  mutating func keepCrashed(_ delivery: Delivery, _ source: Source, times: Int, _ replayed: Replayed?)
    throws(StoreError)
  {
    let rejection = Rejection.workerCrash(times)
    if let replayed { return try fail(replayed, rejection, delivery) }
    let (command, queue): (CommandName?, String) =
      switch source {
      case .commands(let name): (name, rules.topology.commandQueue(name))
      case .deadLetters: (nil, rules.topology.deadLettersQueue)
      }
    let facts = OperationFacts(command: command, actor: delivery.actor)
    _ = try keep(
      LetterFacts(
        delivery: delivery, actor: delivery.actor, command: facts.commandText, queue: queue, rejection: rejection,
        serverID: nil, clientID: nil, operation: nil, key: nil, attempt: nil, state: .open),
      kind: .deadLettered, facts: facts, error: ErrorPart.encode(rejection))
  }

  /// Keeps the letter and tells of it; the same message refused again, its letter not yet closed, is counted on that
  /// letter, and there is no second event.
  private mutating func keep(
    _ letter: LetterFacts, replayed: Replayed? = nil, kind: CommandEvent.Kind, facts: OperationFacts, error: [UInt8]
  ) throws(StoreError) -> (id: UUID128, position: Int64?) {
    if let replayed {
      return try fail(
        replayed, letter.rejection, kind: kind, facts: facts, serverID: letter.serverID, clientID: letter.clientID,
        error: error, letter.delivery)
    }
    let identity = letter.identity
    if let known = try transaction.openLetter(sameMessage: identity) {
      try transaction.countAgain(known.id, at: rules.now)
      return (known.id, nil)
    }
    let id = rules.random.uuid()
    letters.append(LetterNote(kind: .kept, id: id, command: letter.command, code: letter.rejection.code))
    try transaction.keep(letter.record(id: id, identity: identity, receivedAt: rules.now), ofKey: letter.key)
    let position = transaction.nextPosition()
    let event = CommandEvent(
      kind: kind, facts: facts, serverID: letter.serverID, clientID: letter.clientID, error: error,
      deadLetterID: id)
    _ = try publish(.command(event), position: position, time: rules.now, letter.delivery)
    return (id, position)
  }

  /// The same of a replay whose message nobody has read: what the letter knows of it is told.
  private mutating func fail(_ replayed: Replayed, _ rejection: Rejection, _ delivery: Delivery) throws(StoreError) {
    _ = try fail(
      replayed, rejection, kind: .deadLettered, facts: replayed.facts, serverID: replayed.serverID,
      clientID: replayed.clientID, error: ErrorPart.encode(rejection), delivery)
  }

  private mutating func fail(
    _ replayed: Replayed, _ rejection: Rejection, kind: CommandEvent.Kind, facts: OperationFacts,
    serverID: ServerID?, clientID: ClientID?, error: [UInt8], _ delivery: Delivery
  ) throws(StoreError) -> (id: UUID128, position: Int64?) {
    let id = replayed.replay.letterID
    letters.append(LetterNote(kind: .failedAgain, id: id, command: facts.commandText, code: rejection.code))
    try transaction.end(
      replayed.replay, with: .rejected(rejection, detailsJSON: LetterFacts.details(of: rejection)), at: rules.now)
    let position = transaction.nextPosition()
    let event = CommandEvent(
      kind: kind, facts: facts, serverID: serverID, clientID: clientID, error: error, deadLetterID: id)
    _ = try publish(.command(event), position: position, time: rules.now, delivery)
    return (id, position)
  }
}
