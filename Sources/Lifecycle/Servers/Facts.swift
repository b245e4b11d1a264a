/// What a decision needs to know besides the command and the server. The core asks no clock and makes no ids.
package struct Facts: Hashable, Sendable {
  package let now: Timestamp
  /// An id that nothing else has: of the allocation or of the Back to Baseline run that the decision may begin.
  package let freshID: UUID128
  /// The answer to ``Question/allocation(_:)`` or ``Question/latestAllocation(of:)``.
  package let pastAllocation: Allocation?
  /// The answer to ``Question/commitRow(_:)``.
  package let hasCommitRow: Bool

  package init(now: Timestamp, freshID: UUID128, pastAllocation: Allocation? = nil, hasCommitRow: Bool = false) {
    self.now = now
    self.freshID = freshID
    self.pastAllocation = pastAllocation
    self.hasCommitRow = hasCommitRow
  }
}

/// What the core wants looked up before it decides. Most commands have no question.
package enum Question: Hashable, Sendable {
  /// The allocation with this id, if it is one of this server's since its last enrolment.
  case allocation(UUID128)
  /// The latest allocation that this client had of this server since its last enrolment.
  case latestAllocation(of: ClientID)
  /// Whether this commit row exists.
  case commitRow(QuotaKey)

  package init?(before command: ServerCommand, on server: Server?) {
    switch command {
    case .deallocate(let clientID, let allocationID), .compensate(let clientID, let allocationID, _):
      guard let server, !server.isHeld(by: clientID, allocationID: allocationID) else { return nil }
      self = allocationID.map(Question.allocation) ?? .latestAllocation(of: clientID)
    case .enroll(let enrollment):
      guard let tenancy = enrollment.state.tenancy, tenancy.quotaType == nil, let contractID = tenancy.contractID
      else { return nil }
      self = .commitRow(
        QuotaKey(
          clientID: tenancy.clientID, contractID: contractID, locationID: enrollment.locationID,
          instanceTypeID: enrollment.instanceTypeID))
    case .isolate, .unisolate, .available, .quarantine, .unquarantine, .reclassify, .decommission:
      return nil
    }
  }
}

extension Server {
  /// Whether the client is the owner in the contract's sense: it holds the server, and `allocationID`, where given, is
  /// the current allocation.
  package func isHeld(by clientID: ClientID, allocationID: UUID128?) -> Bool {
    guard let live = state.liveAllocation, live.clientID == clientID else { return false }
    return allocationID == nil || allocationID == live.id
  }
}
