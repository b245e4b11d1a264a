// Footnotes ³ and ⁴ of the state table: `quarantine` and `unquarantine`.
extension Change {
  func quarantine(_ hold: Hold, reason: String?) -> Decision {
    let held: HeldState
    switch server.state {
    case .quarantined(let quarantine):
      if quarantine.holds.contains(hold) { return .unchanged }
      let more = Quarantine(holds: quarantine.holds + [hold], held: quarantine.held)
      return .apply(to(.quarantined(more), .quarantineUpdated, reason: reason))
    case .new: held = .new
    case .backToBaseline: held = .backToBaseline
    case .available: held = .available
    case .allocated(let allocation): held = .allocated(allocation)
    case .isolated(let isolation): held = .isolated(isolation)
    case .decommissioned: preconditionFailure("the state table refuses this cell")
    }
    return .apply(to(.quarantined(Quarantine(holds: [hold], held: held)), .quarantined, reason: reason))
  }

  func unquarantine(_ hold: Hold, outcome: UnquarantineOutcome, reason: String) -> Decision {
    guard case .quarantined(let quarantine) = server.state else {
      preconditionFailure("the state table answers for every other state")
    }
    guard quarantine.holds.contains(hold) else { return .unchanged }
    let remaining = quarantine.holds.filter { $0 != hold }
    switch outcome {
    case .restore:
      if remaining.isEmpty { return .apply(to(restored(quarantine.held), .unquarantined, reason: reason)) }
      let fewer = Quarantine(holds: remaining, held: quarantine.held)
      return .apply(to(.quarantined(fewer), .quarantineUpdated, reason: reason))
    case .baseline:
      guard remaining.isEmpty else { return .reject(.heldByOtherCase(server, remaining)) }
      let ended = quarantine.held.liveAllocation.map { $0.ended(by: .unquarantine, at: moment) }
      return .apply(
        to(
          freshBaseline, .unquarantined, reason: reason,
          allocation: ended.map(AllocationChange.ended) ?? .none))
    }
  }

  /// What had been promised to nobody is wiped before it is used again.
  private func restored(_ held: HeldState) -> ServerState {
    switch held {
    case .new: .new
    case .allocated(let allocation): .allocated(allocation)
    case .isolated(let isolation): .isolated(isolation)
    case .backToBaseline, .available, .allocationEnded: freshBaseline
    }
  }
}
