import Lifecycle

/// A law that did not hold, in words.
struct Violation: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws(Violation) {
  if !holds { throw Violation(otherwise()) }
}

/// What holds for every change of a server, whatever the command and the history.
enum Laws {
  static func check(
    _ change: Transition, after before: Server?, by command: Command, now: Timestamp
  ) throws(Violation) {
    try versions(change, before)
    try time(change, before, now)
    try availability(change, before, command.name)
    try quarantine(change, before, command)
    try tenancy(change, before, command)
    try identity(change, before, command.name)
  }

  /// "1 at its first enrolment, +1 at every change, a later enrolment included, never otherwise"
  private static func versions(_ change: Transition, _ before: Server?) throws(Violation) {
    let after = change.server
    try require(
      after.version == (before?.version ?? 0) + 1, "version \(after.version) after \(String(describing: before))")
    try require(after.previousState == before?.state.name, "the previous state is another one")
    let enrolled = change.event == .enrolled ? after.version : before?.enrolledAtVersion
    try require(after.enrolledAtVersion == enrolled, "enrolled at \(after.enrolledAtVersion)")
  }

  /// "`time` never goes backwards for a server"
  private static func time(_ change: Transition, _ before: Server?, _ now: Timestamp) throws(Violation) {
    let earliest = before?.changedAt ?? now
    try require(change.server.changedAt == max(now, earliest), "changed at \(change.server.changedAt), now \(now)")
    switch change.allocation {
    case .none: break
    case .began(let allocation): try require(allocation.end == nil, "it began and has ended")
    case .ended(let allocation):
      try require(allocation.end?.at == change.server.changedAt, "it ended at another moment than the change")
    }
  }

  /// "Nothing reaches `available` except out of backToBaseline (or an `enroll` that says so)"
  private static func availability(
    _ change: Transition, _ before: Server?, _ command: CommandName
  ) throws(Violation) {
    guard change.server.state == .available else { return }
    try require(
      command == .enroll && (before == nil || before?.state == .decommissioned)
        || command == .available && before?.state.name == .backToBaseline,
      "\(command.rawValue) made it available from \(String(describing: before?.state))")
  }

  /// Frozen is frozen: only the last hold's own `unquarantine` ends it, and meanwhile nothing is forgotten.
  private static func quarantine(
    _ change: Transition, _ before: Server?, _ command: Command
  ) throws(Violation) {
    guard let before, case .quarantined(let frozen) = before.state else { return }
    if case .quarantined(let still) = change.server.state {
      let ended = change.event == .deallocated || change.event == .compensated
      try require(still.held == (ended ? .allocationEnded : frozen.held), "what was held has changed")
      try require(!still.holds.isEmpty && Set(still.holds).count == still.holds.count, "holds \(still.holds)")
      return
    }
    guard case .onServer(_, .unquarantine(let outcome, let caseID, _)) = command else {
      throw Violation("\(command.name.rawValue) ended a quarantine")
    }
    try require(frozen.holds == [Hold(caseID: caseID)], "ended while \(frozen.holds) hold it")
    let lives = frozen.held.liveAllocation != nil && outcome == .restore
    try require((change.server.state.liveAllocation != nil) == lives, "a tenant was lost or came back")
  }

  /// An allocation is ended by its own client, or with the quarantine that froze it, and never otherwise touched.
  private static func tenancy(_ change: Transition, _ before: Server?, _ command: Command) throws(Violation) {
    let (old, new) = (before?.state.liveAllocation, change.server.state.liveAllocation)
    switch change.allocation {
    case .none: try require(old == new, "the allocation changed, and nobody is told")
    case .began(let allocation):
      try require(old == nil && new == allocation, "it began beside another")
      try require(allocation.clientID == command.clientID, "it began for another client")
      try require([.allocate, .enroll].contains(command.name), "\(command.name.rawValue) began an allocation")
      try require(
        allocation.locationID == change.server.locationID && allocation.instanceTypeID == change.server.instanceTypeID,
        "it is charged elsewhere than the server stands")
    case .ended(let allocation):
      try require(new == nil && old?.id == allocation.id, "it ended and is still there")
      try require(allocation.serverID == change.server.id, "it is another server's")
      try require(
        allocation.end?.by.rawValue == command.name.rawValue, "ended by \(String(describing: allocation.end))")
      if command.name != .unquarantine {
        try require(allocation.clientID == command.clientID, "a client ended the allocation of another")
      }
    }
    let free = change.server.state.name != .allocated && change.server.state.name != .quarantined
    try require(!free || new == nil, "a tenant in \(change.server.state)")
  }

  /// Only `enroll` and `reclassify` say where a server is and what it is.
  private static func identity(
    _ change: Transition, _ before: Server?, _ command: CommandName
  ) throws(Violation) {
    guard let before, command != .enroll else { return }
    let after = change.server
    try require(after.id == before.id, "it became another server")
    let same =
      after.locationID == before.locationID && after.instanceTypeID == before.instanceTypeID
      && after.name == before.name
    try require(same == (command != .reclassify), "\(command.rawValue) and \(after)")
    try require(command != .reclassify || after.state == before.state, "reclassify changed the state")
    try require(before.state != .decommissioned, "\(command.rawValue) changed a server that is gone")
  }
}
