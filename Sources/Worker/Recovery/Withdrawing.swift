import Lifecycle
import Store

/// Withdraws servers whose later changes are lost: each a proper change, with its history and its event, in the new
/// epoch.
struct Withdrawing {
  let transaction: Transaction
  /// Who restores.
  let actor: String
  let now: Timestamp

  /// The hold of a server that is frozen: one for each restore.
  var caseID: String { "restore-\(transaction.epoch)" }

  func withdraw(_ lost: LostServer) throws(StoreError) -> RestoreReport.Server {
    let server = try transaction.server(lost.id)
    let reason = Self.reason(lost, server, epoch: transaction.epoch)
    guard
      let command = ServerCommand.withdraw(server, lastKnown: lost.lastKnown, caseID: caseID, reason: reason)
    else { return RestoreReport.Server(lost: lost, before: server, command: nil, after: server) }
    // What subscribers were told last of it is not undercut.
    let facts = Facts(now: max(now, lost.last.time), freshID: .random())
    guard case .apply(let transition) = decide(command, for: lost.id, on: server, ifVersion: nil, facts: facts) else {
      preconditionFailure("the command was chosen for the state that the server is in")
    }
    try apply(transition, command)
    return RestoreReport.Server(lost: lost, before: server, command: command.name, after: transition.server)
  }

  private func apply(_ transition: Transition, _ command: ServerCommand) throws(StoreError) {
    let server = transition.server
    let position = transaction.nextPosition()
    let data = StateDocument.encode(
      server, OperationFacts(command: command.name, actor: actor), allocation: transition.allocation)
    try transaction.apply(
      transition,
      as: HistoryEntry(
        position: position, serverID: server.id, version: server.version, at: server.changedAt,
        happening: .changed(transition.event), command: command.name, actor: actor, reason: command.reason, data: data))
    let event = StateEvent(
      event: transition.event, serverID: server.id, version: server.version, state: server.state.name,
      locationID: server.locationID, data: data)
    let place = EventPlace(
      storeID: transaction.storeID, epoch: transaction.epoch, position: position, time: server.changedAt)
    try transaction.enqueue(OutboxEvent(.state(event), at: place))
  }

  /// What a person who finds the server in this state has to know.
  private static func reason(_ lost: LostServer, _ server: Server?, epoch: Int64) -> String {
    let last = lost.last
    var text =
      "Restored from a backup (epoch \(epoch)): \(lost.changes) later change\(lost.changes == 1 ? "" : "s") lost. "
    text += "Last known: \(last.state.rawValue)\(last.subState.map { " (\($0))" } ?? "") at \(last.time)"
    if let allocation = lost.allocations.last {
      text += ", client \(allocation.clientID)\(allocation.endedAt == nil ? " has it" : " had it")"
    }
    text += ". "
    switch server?.state {
    case .isolated(let isolation):
      text += "Before: \(isolation.subState.rawValue)\(isolation.reason.map { ": \($0)" } ?? ""). "
    case .new, .backToBaseline, .available, .allocated, .quarantined, .decommissioned:
      text += "In the backup: \(server.map { $0.state.name.rawValue } ?? ""). "
    case nil: text += "The backup does not know it. "
    }
    text += "A person has to decide."
    return String(String.UnicodeScalarView(text.unicodeScalars.prefix(maxReasonScalars)))
  }

  /// As of every reason (contract section 2).
  private static let maxReasonScalars = 1000
}
