// Footnote ¹ of the state table: `deallocate` and `compensate`.
extension Change {
  func release(
    _ clientID: ClientID, _ allocationID: UUID128?, by cause: AllocationEnd.Cause, event: ServerEvent,
    reason: String?
  ) -> Decision {
    if server.isHeld(by: clientID, allocationID: allocationID), let live = server.state.liveAllocation {
      return .apply(ending(live, by: cause, event: event, reason: reason))
    }
    guard let past = facts.pastAllocation else {
      return .reject(
        allocationID.map { .unknownAllocation(server, $0) } ?? .clientMismatch(server, clientID))
    }
    guard past.clientID == clientID else { return .reject(.clientMismatch(server, clientID)) }
    guard let end = past.end else { preconditionFailure("a live allocation of this client makes it the owner") }
    if cause == .compensate && end.by == .deallocate {
      return .reject(.alreadyDeallocated(server, past, endedAt: end.at))
    }
    return .unchanged
  }

  /// A quarantined server stays frozen when its allocation ends; any other goes to be wiped.
  private func ending(
    _ live: Allocation, by cause: AllocationEnd.Cause, event: ServerEvent, reason: String?
  ) -> Transition {
    let ended = live.ended(by: cause, at: moment)
    switch server.state {
    case .quarantined(let quarantine):
      let frozen = Quarantine(holds: quarantine.holds, held: .allocationEnded)
      return to(.quarantined(frozen), event, reason: reason, allocation: .ended(ended))
    case .allocated: return to(freshBaseline, event, reason: reason, allocation: .ended(ended))
    case .new, .backToBaseline, .available, .isolated, .decommissioned:
      preconditionFailure("only an allocated or quarantined server has a live allocation")
    }
  }
}
