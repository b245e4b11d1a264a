/// A server as the last change left it.
package struct Server: Hashable, Sendable {
  package let id: ServerID
  /// 1 at the first enrolment, +1 at every change, never otherwise.
  package var version: Int64
  /// The version that the last enrolment made: allocations of earlier enrolments no longer count as this server's.
  package var enrolledAtVersion: Int64
  package var name: String?
  package var locationID: LocationID
  package var instanceTypeID: InstanceTypeID
  package var state: ServerState
  /// The state before the last change; `nil` after the first enrolment.
  package var previousState: StateName?
  /// The isolation's cause while isolated, else the reason given with the last change.
  package var reason: String?
  /// Never earlier than at the version before.
  package var changedAt: Timestamp

  package init(
    id: ServerID, version: Int64, enrolledAtVersion: Int64, name: String?, locationID: LocationID,
    instanceTypeID: InstanceTypeID, state: ServerState, previousState: StateName?, reason: String?,
    changedAt: Timestamp
  ) {
    self.id = id
    self.version = version
    self.enrolledAtVersion = enrolledAtVersion
    self.name = name
    self.locationID = locationID
    self.instanceTypeID = instanceTypeID
    self.state = state
    self.previousState = previousState
    self.reason = reason
    self.changedAt = changedAt
  }
}

/// What happened to a server, as subscribers hear of it. Exactly one per version.
package enum ServerEvent: String, CaseIterable, Hashable, Sendable {
  case enrolled, allocated, deallocated, compensated, isolated, isolationUpdated, unisolated, available
  case quarantined, quarantineUpdated, unquarantined, reclassified, decommissioned
}
