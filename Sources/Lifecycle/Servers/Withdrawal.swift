/// What is last known of a server whose later changes were lost with a store.
package struct LastKnown: Hashable, Sendable {
  package let name: String?
  package let locationID: LocationID
  package let instanceTypeID: InstanceTypeID
  package let state: StateName

  package init(name: String?, locationID: LocationID, instanceTypeID: InstanceTypeID, state: StateName) {
    self.name = name
    self.locationID = locationID
    self.instanceTypeID = instanceTypeID
    self.state = state
  }
}

extension ServerCommand {
  /// The command that keeps a server, whose later changes are lost, from being given to anybody, until a person decides
  /// (contract section 6). `nil`: nobody could be given it anyway.
  ///
  /// It is taken out of use as `unknownError` where the state table allows that. One that a client has is frozen
  /// instead: its allocation stays as it was, and a late `deallocate` cannot have the disks wiped of whoever has it by
  /// now. One that is not here, or was out for good, is enrolled as taken out of use, so that no second enrolment makes
  /// it available.
  ///
  /// - Parameters:
  ///   - server: as it is in the store that was restored; `nil`: not known there.
  ///   - caseID: of the hold, where it is frozen.
  package static func withdraw(
    _ server: Server?, lastKnown: LastKnown, caseID: String, reason: String
  ) -> ServerCommand? {
    switch server?.state {
    case .new, .backToBaseline, .available, .isolated:
      return .isolate(Isolation(subState: .unknownError, reason: reason), baselineID: nil)
    case .allocated, .quarantined: return .quarantine(caseID: caseID, reason: reason)
    case .decommissioned, nil:
      guard lastKnown.state != .decommissioned else { return nil }
      return .enroll(
        Enrollment(
          locationID: lastKnown.locationID, instanceTypeID: lastKnown.instanceTypeID, name: lastKnown.name,
          state: .isolated(.unknownError), reason: reason))
    }
  }
}
