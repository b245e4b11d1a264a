/// The cells of the state table that change a server, or may.
struct Change {
  let server: Server
  let facts: Facts

  init(of server: Server, facts: Facts) {
    self.server = server
    self.facts = facts
  }

  /// Time never goes backwards for a server, whatever the clock does.
  var moment: Timestamp { max(facts.now, server.changedAt) }

  var freshBaseline: ServerState { .backToBaseline(baselineID: facts.freshID) }

  func to(
    _ state: ServerState, _ event: ServerEvent, reason: String? = nil, allocation: AllocationChange = .none
  ) -> Transition {
    var changed = server
    changed.version += 1
    changed.previousState = server.state.name
    changed.state = state
    changed.reason =
      switch state {
      case .isolated(let isolation): isolation.reason
      // What happens to a frozen server without a reason of its own leaves the reason of the freeze.
      case .quarantined where server.state.name == .quarantined: reason ?? server.reason
      case .new, .backToBaseline, .available, .allocated, .quarantined, .decommissioned: reason
      }
    changed.changedAt = moment
    return Transition(server: changed, event: event, allocation: allocation)
  }

  func decide(_ command: ServerCommand) -> Decision {
    switch command {
    case .deallocate(let clientID, let allocationID):
      release(clientID, allocationID, by: .deallocate, event: .deallocated, reason: nil)
    case .compensate(let clientID, let allocationID, let reason):
      release(clientID, allocationID, by: .compensate, event: .compensated, reason: reason)
    case .isolate(let isolation, let baselineID): isolate(isolation, baselineID: baselineID)
    case .unisolate: .apply(to(freshBaseline, .unisolated))
    case .available(let baselineID): available(baselineID: baselineID)
    case .quarantine(let caseID, let reason): quarantine(Hold(caseID: caseID), reason: reason)
    case .unquarantine(let outcome, let caseID, let reason):
      unquarantine(Hold(caseID: caseID), outcome: outcome, reason: reason)
    case .enroll(let enrollment): enroll(enrollment)
    case .reclassify(let wanted): reclassify(wanted)
    case .decommission(let reason): .apply(to(.decommissioned, .decommissioned, reason: reason))
    }
  }

  private func isolate(_ isolation: Isolation, baselineID: UUID128?) -> Decision {
    switch server.state {
    case .isolated(let current):
      current == isolation ? .unchanged : .apply(to(.isolated(isolation), .isolationUpdated))
    case .backToBaseline(let current):
      isCurrent(baselineID, current)
        ? .apply(to(.isolated(isolation), .isolated)) : .reject(.staleBaseline(server, .isolate))
    case .new, .available: .apply(to(.isolated(isolation), .isolated))
    case .allocated, .quarantined, .decommissioned: preconditionFailure("the state table refuses this cell")
    }
  }

  private func available(baselineID: UUID128?) -> Decision {
    guard case .backToBaseline(let current) = server.state else {
      preconditionFailure("nothing becomes available but out of backToBaseline")
    }
    guard isCurrent(baselineID, current) else { return .reject(.staleBaseline(server, .available)) }
    return .apply(to(.available, .available))
  }

  private func isCurrent(_ given: UUID128?, _ current: UUID128) -> Bool { given == nil || given == current }

  private func enroll(_ wanted: Enrollment) -> Decision {
    if server.state == .decommissioned {
      return .apply(Enrolment(of: server.id, as: wanted, after: server, facts: facts).transition)
    }
    let same =
      wanted.locationID == server.locationID && wanted.instanceTypeID == server.instanceTypeID
      && (wanted.name == nil || wanted.name == server.name)
    return same ? .unchanged : .reject(.serverExists(server))
  }

  private func reclassify(_ wanted: Reclassification) -> Decision {
    var changed = server
    changed.locationID = wanted.locationID ?? server.locationID
    changed.instanceTypeID = wanted.instanceTypeID ?? server.instanceTypeID
    changed.name = wanted.name ?? server.name
    guard changed != server else { return .unchanged }
    return .apply(Change(of: changed, facts: facts).to(server.state, .reclassified, reason: wanted.reason))
  }
}
