/// The names of the seven states, as the contract spells them.
package enum StateName: String, CaseIterable, Hashable, Sendable {
  case new, backToBaseline, available, allocated, isolated, quarantined, decommissioned
}

/// The state of a server with what belongs to it, so that an impossible combination cannot be written down.
package enum ServerState: Hashable, Sendable {
  /// Known, and not yet through a first Back to Baseline.
  case new
  /// Being wiped and checked by the workflow engine; `baselineID` names this run.
  case backToBaseline(baselineID: UUID128)
  /// May be allocated.
  case available
  /// A client has it.
  case allocated(Allocation)
  /// Out of use for a stated cause.
  case isolated(Isolation)
  /// Frozen as it is, for an investigation.
  case quarantined(Quarantine)
  /// Gone for good; only `enroll` brings it back.
  case decommissioned

  package var name: StateName {
    switch self {
    case .new: .new
    case .backToBaseline: .backToBaseline
    case .available: .available
    case .allocated: .allocated
    case .isolated: .isolated
    case .quarantined: .quarantined
    case .decommissioned: .decommissioned
    }
  }

  /// The allocation that is running: of an allocated server, or of one that was frozen while allocated.
  package var liveAllocation: Allocation? {
    switch self {
    case .allocated(let allocation): allocation
    case .quarantined(let quarantine): quarantine.held.liveAllocation
    case .new, .backToBaseline, .available, .isolated, .decommissioned: nil
    }
  }
}

/// Why a server is out of use.
package enum SubState: String, CaseIterable, Hashable, Sendable {
  case backToBaseline, excluded, reserved, brokenHardware, incompleteData, failedOsInstall, unknownError, rentedLegacy
}

/// The cause of an isolation. `reason` has at most 1,000 characters.
package struct Isolation: Hashable, Sendable {
  package let subState: SubState
  package let reason: String?
  package init(subState: SubState, reason: String? = nil) {
    self.subState = subState
    self.reason = reason
  }
}

/// A frozen server: who holds it, and what it was before.
package struct Quarantine: Hashable, Sendable {
  /// Never empty, no case twice, in the order in which they came.
  package let holds: [Hold]
  package let held: HeldState

  package init(holds: [Hold], held: HeldState) {
    precondition(!holds.isEmpty, "a quarantine has at least one hold")
    self.holds = holds
    self.held = held
  }
}

/// One reason to keep a server frozen: an investigation's case, or the one hold without a case.
package struct Hold: Hashable, Sendable {
  package let caseID: String?
  package init(caseID: String?) { self.caseID = caseID }
}

/// What was true when the server was frozen.
package enum HeldState: Hashable, Sendable {
  case new, backToBaseline, available
  case allocated(Allocation)
  /// It was allocated, and that allocation has ended while it was frozen.
  case allocationEnded
  case isolated(Isolation)

  package var name: StateName {
    switch self {
    case .new: .new
    case .backToBaseline: .backToBaseline
    case .available: .available
    case .allocated, .allocationEnded: .allocated
    case .isolated: .isolated
    }
  }

  package var liveAllocation: Allocation? {
    switch self {
    case .allocated(let allocation): allocation
    case .new, .backToBaseline, .available, .allocationEnded, .isolated: nil
    }
  }
}
