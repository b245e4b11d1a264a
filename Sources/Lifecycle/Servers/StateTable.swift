/// The state table of the contract (section 3), as data. A row is a command, a column a state; the footnotes are the
/// cells that need more than the name of the state.
package enum StateTable {
  package enum Cell: Hashable, Sendable {
    /// →: applied.
    case apply
    /// =: success, nothing changes.
    case unchanged
    /// ✗: rejected with the code.
    case reject(RejectionCode)
    /// wait ✗: parked, then rejected with the code.
    case wait(RejectionCode)
    /// ¹: the owner ends the allocation; for anybody else the past decides.
    case release
    /// ²: applied, unless a `baselineId` is given that is not the current run's.
    case currentRun
    /// `isolate` while isolated: the same cause and reason changes nothing, another one does.
    case cause
    /// `quarantine` while quarantined: one more hold, unless the case has one.
    case addHold
    /// ⁴: `unquarantine` while quarantined.
    case releaseHold
    /// ⁵: `enroll` of a server that is here.
    case compare
    /// ⁶: `reclassify`: applied where anything would differ.
    case ifDifferent
  }

  package struct Row: Hashable, Sendable {
    package let new, backToBaseline, available, allocated, isolated, quarantined, decommissioned, unknown: Cell

    package subscript(state: StateName?) -> Cell {
      switch state {
      case .new: new
      case .backToBaseline: backToBaseline
      case .available: available
      case .allocated: allocated
      case .isolated: isolated
      case .quarantined: quarantined
      case .decommissioned: decommissioned
      case nil: unknown
      }
    }
  }

  /// The row of a command for one server; `nil` for the commands that are not for one server.
  package static func row(for command: CommandName) -> Row? {
    switch command {
    case .deallocate, .compensate: release
    case .isolate: isolate
    case .unisolate: unisolate
    case .available: available
    case .quarantine: quarantine
    case .unquarantine: unquarantine
    case .reclassify: reclassify
    case .decommission: decommission
    case .enroll: enroll
    case .allocate, .setQuota, .snapshot: nil
    }
  }

  /// The commands that a server in this state takes without refusing or waiting, in the contract's order.
  package static func accepted(in state: StateName?) -> [CommandName] {
    CommandName.allCases.filter { command in
      switch row(for: command)?[state] {
      case .apply, .unchanged, .release, .currentRun, .cause, .addHold, .releaseHold, .compare, .ifDifferent: true
      case .reject, .wait, nil: false
      }
    }
  }

  private static let release = Row(
    new: .release, backToBaseline: .release, available: .release, allocated: .release, isolated: .release,
    quarantined: .release, decommissioned: .release, unknown: .wait(.unknownServer))

  private static let isolate = Row(
    new: .apply, backToBaseline: .currentRun, available: .apply, allocated: .wait(.serverAllocated),
    isolated: .cause, quarantined: .reject(.serverQuarantined), decommissioned: .reject(.serverDecommissioned),
    unknown: .wait(.unknownServer))

  private static let unisolate = Row(
    new: .apply, backToBaseline: .unchanged, available: .unchanged, allocated: .unchanged, isolated: .apply,
    quarantined: .reject(.serverQuarantined), decommissioned: .reject(.serverDecommissioned),
    unknown: .wait(.unknownServer))

  private static let available = Row(
    new: .reject(.notInBaseline), backToBaseline: .currentRun, available: .unchanged,
    allocated: .reject(.notInBaseline), isolated: .reject(.notInBaseline), quarantined: .reject(.serverQuarantined),
    decommissioned: .reject(.serverDecommissioned), unknown: .wait(.unknownServer))

  private static let quarantine = Row(
    new: .apply, backToBaseline: .apply, available: .apply, allocated: .apply, isolated: .apply,
    quarantined: .addHold, decommissioned: .reject(.serverDecommissioned), unknown: .wait(.unknownServer))

  private static let unquarantine = Row(
    new: .unchanged, backToBaseline: .unchanged, available: .unchanged, allocated: .unchanged, isolated: .unchanged,
    quarantined: .releaseHold, decommissioned: .reject(.serverDecommissioned), unknown: .wait(.unknownServer))

  private static let reclassify = Row(
    new: .ifDifferent, backToBaseline: .ifDifferent, available: .reject(.serverInService),
    allocated: .reject(.serverInService), isolated: .ifDifferent, quarantined: .reject(.serverQuarantined),
    decommissioned: .reject(.serverDecommissioned), unknown: .wait(.unknownServer))

  private static let decommission = Row(
    new: .apply, backToBaseline: .apply, available: .apply, allocated: .wait(.serverAllocated), isolated: .apply,
    quarantined: .reject(.serverQuarantined), decommissioned: .unchanged, unknown: .wait(.unknownServer))

  private static let enroll = Row(
    new: .compare, backToBaseline: .compare, available: .compare, allocated: .compare, isolated: .compare,
    quarantined: .compare, decommissioned: .apply, unknown: .apply)
}
