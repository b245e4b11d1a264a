import AMQP
import Lifecycle
package import Store

/// Takes one batch through one transaction: for each command dedup, decision and everything that is written with it.
///
/// It decides nothing itself: `Lifecycle` does. It knows no clock and no broker; a batch whose transaction fails has
/// happened nowhere, because the parking lot it hands back is a copy.
package struct BatchProcessor: ~Copyable {
  /// What a batch leaves to do once its transaction is durable.
  package struct Result: Sendable {
    package var lot: ParkingLot<CommandTask>
    /// May be acknowledged.
    package var settled: [CommandTask.Tag] = []
    package var replies: [OutgoingReply] = []
    package var tally = BatchTally()
    /// What was written to the outbox, in commit order.
    package var events: [OutboxEvent] = []
    package var hasNewSnapshot = false
    package var letters: [LetterNote] = []
  }

  private var scribe: Scribe
  let transaction: Transaction
  let rules: BatchRules
  var result: Result

  package init(
    transaction: Transaction, rules: BatchRules, lot: ParkingLot<CommandTask>
  ) {
    self.transaction = transaction
    self.rules = rules
    scribe = Scribe(transaction: transaction, rules: rules)
    result = Result(lot: lot)
  }

  /// Decides again those whose patience is over, then the batch in the order of arrival, `quarantine` first.
  package consuming func process(_ batch: [Received]) throws(StoreError) -> Result {
    for entry in result.lot.overdue(at: rules.monotonicNow) {
      try giveUp(entry)
    }
    for received in batch where received.isUrgent { try take(received) }
    for received in batch where !received.isUrgent { try take(received) }
    result.events = scribe.events
    result.letters = scribe.letters
    return result
  }

  private mutating func take(_ received: Received) throws(StoreError) {
    switch received {
    case .command(var task):
      switch try examine(task.delivery, as: task.queue) {
      case .original: try take(task)
      case .runs(let replayed):
        task.replayed = replayed
        try take(task)
      case .over: settle(task.delivery, nil)
      case .forged(let rejection):
        try refuse(task.delivery, task.queue, Refusal(rejection: rejection, of: task))
      }
    case .refused(let delivery, let command, let refusal):
      switch try examine(delivery, as: command) {
      case .original: try refuse(delivery, command, refusal)
      case .runs(let replayed):
        try scribe.refuse(replayed, delivery, queue: command, refusal)
        result.tally.rejected(command, refusal.rejection.code)
        settle(delivery, nil)
      case .over: settle(delivery, nil)
      case .forged(let rejection): try refuse(delivery, command, Refusal(rejection: rejection, of: refusal))
      }
    case .deadLettered(let delivery):
      try takeIn(delivery)
      settle(delivery, nil)
    case .crashed(let delivery, let source, let times):
      let command =
        switch source {
        case .commands(let name): name
        case .deadLetters: BrokerDeath(delivery, topology: rules.topology).command
        }
      let replayed: Replayed? =
        if case .runs(let replayed) = try examine(delivery, as: command) { replayed } else { nil }
      try scribe.keepCrashed(delivery, source, times: times, replayed)
      settle(delivery, nil)
    }
  }

  private mutating func refuse(
    _ delivery: CommandTask.Message, _ command: CommandName, _ refusal: Refusal
  ) throws(StoreError) {
    settle(delivery, try scribe.refuse(delivery, queue: command, refusal))
    result.tally.rejected(command, refusal.rejection.code)
  }

  /// A replay that found no queue, or died in one, comes back here: its letter opens again with that reason. Any other
  /// claim to be a replay is none.
  private mutating func takeIn(_ delivery: CommandTask.Message) throws(StoreError) {
    let death = BrokerDeath(delivery, topology: rules.topology)
    switch try examine(delivery, as: death.command) {
    case .runs(let replayed): try scribe.takeIn(delivery, death, replayed)
    case .over: break
    case .original, .forged: try scribe.takeIn(delivery, death)
    }
    KillPoint.takingIn.reach()
    result.tally.takenIn += 1
  }

  private mutating func take(_ task: CommandTask) throws(StoreError) {
    let patience = rules.patienceDeadline
    switch try judge(task, mayBeBlocked: true) {
    case .settled(let settlement): try finish(task, settlement)
    case .behind(let server):
      try parkOrDecide(task, for: server, reason: .behind, deadline: patience)
    case .wait(let server, _, let reason):
      try parkOrDecide(task, for: server, reason: reason == .state ? .state : .version, deadline: patience)
    }
  }

  private mutating func parkOrDecide(
    _ task: CommandTask, for server: ServerID, reason: ParkingLot<CommandTask>.Reason, deadline: Duration
  ) throws(StoreError) {
    if result.lot.hasRoom(in: task.queue) {
      result.lot.park(task, for: server, in: task.queue, reason: reason, deadline: deadline)
      return
    }
    // No room: it is decided at once, after those parked for the same server, in the order of arrival.
    for entry in result.lot.waiting(for: server) {
      result.lot.remove(entry.ticket, for: server)
      try decideFinally(entry.payload)
    }
    try decideFinally(task)
    try decideAgain(server)
  }

  /// Patience is over for one of the parked.
  private mutating func giveUp(_ entry: ParkingLot<CommandTask>.Entry) throws(StoreError) {
    // An earlier one in this very pass may have settled it already.
    guard result.lot.waiting(for: entry.server).contains(where: { $0.ticket == entry.ticket }) else { return }
    result.lot.remove(entry.ticket, for: entry.server)
    try decideFinally(entry.payload)
    try decideAgain(entry.server)
  }

  private mutating func decideFinally(_ task: CommandTask) throws(StoreError) {
    switch try judge(task, mayBeBlocked: false) {
    case .settled(let settlement): try finish(task, settlement, wakes: false)
    case .wait(_, let rejection, _): try finish(task, .rejected(rejection, takesKey: true), wakes: false)
    case .behind: preconditionFailure("it was not asked whether it is blocked")
    }
  }

  /// Decides those parked for a server again, in the order of arrival, until nothing moves any more.
  private mutating func decideAgain(_ server: ServerID) throws(StoreError) {
    var isMoving = true
    while isMoving {
      isMoving = false
      var isBlocked = false
      for entry in result.lot.waiting(for: server) {
        if isBlocked && !entry.queue.overtakesParked { continue }
        switch try judge(entry.payload, mayBeBlocked: false) {
        case .settled(let settlement):
          result.lot.remove(entry.ticket, for: server)
          try finish(entry.payload, settlement, wakes: false)
          isMoving = true
        case .wait(_, _, .state):
          result.lot.keep(entry.ticket, for: server, reason: .state)
          isBlocked = true
        case .wait(_, _, .version): result.lot.keep(entry.ticket, for: server, reason: .version)
        case .behind: preconditionFailure("it was not asked whether it is blocked")
        }
        if isMoving { break }
      }
    }
  }

  private mutating func finish(
    _ task: CommandTask, _ settlement: Settlement, wakes: Bool = true
  ) throws(StoreError) {
    let written = try scribe.write(settlement, of: task)
    settle(task.delivery, written.reply)
    result.tally.count(settlement, of: task.queue)
    if case .snapshot = settlement { result.hasNewSnapshot = true }
    if wakes, let changed = written.changedServer { try decideAgain(changed) }
  }

  private mutating func settle(_ delivery: CommandTask.Message, _ reply: OutgoingReply?) {
    result.settled.append(delivery.tag)
    if let reply { result.replies.append(reply) }
  }
}
