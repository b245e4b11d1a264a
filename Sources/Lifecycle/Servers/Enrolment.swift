/// A server as an `enroll` makes it: the first time, or again after it was decommissioned.
///
/// An allocation that is said to begin later than now begins now: its end could else come before it.
struct Enrolment {
  let transition: Transition

  init(of id: ServerID, as wanted: Enrollment, after previous: Server?, facts: Facts) {
    let moment = max(facts.now, previous?.changedAt ?? facts.now)
    let version = (previous?.version ?? 0) + 1
    let allocation = wanted.state.tenancy.map { tenancy in
      Allocation(
        id: facts.freshID, serverID: id, clientID: tenancy.clientID, contractID: tenancy.contractID,
        quotaType: tenancy.quotaType ?? (facts.hasCommitRow ? .commit : .onDemand), locationID: wanted.locationID,
        instanceTypeID: wanted.instanceTypeID, startedAt: wanted.since.map { min($0, moment) } ?? moment)
    }
    let server = Server(
      id: id, version: version, enrolledAtVersion: version, name: wanted.name, locationID: wanted.locationID,
      instanceTypeID: wanted.instanceTypeID,
      state: Self.state(wanted, allocation: allocation, freshID: facts.freshID),
      previousState: previous?.state.name, reason: wanted.reason, changedAt: moment)
    transition = Transition(
      server: server, event: .enrolled, allocation: allocation.map(AllocationChange.began) ?? .none)
  }

  private static func state(_ wanted: Enrollment, allocation: Allocation?, freshID: UUID128) -> ServerState {
    switch wanted.state {
    case .new: return .new
    case .backToBaseline: return .backToBaseline(baselineID: freshID)
    case .available: return .available
    case .isolated(let subState): return .isolated(Isolation(subState: subState, reason: wanted.reason))
    case .allocated:
      guard let allocation else { preconditionFailure("an allocated server has its allocation") }
      return .allocated(allocation)
    case .quarantined:
      let held = allocation.map(HeldState.allocated) ?? .new
      return .quarantined(Quarantine(holds: [Hold(caseID: nil)], held: held))
    }
  }
}
