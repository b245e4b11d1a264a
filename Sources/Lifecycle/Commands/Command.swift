/// A command whose fields have been read and are each in range.
package enum Command: Hashable, Sendable {
  case allocate(AllocateRequest)
  case onServer(ServerID, ServerCommand)
  case setQuota(QuotaKey, limit: Int?)
  case snapshot(SnapshotScope)

  package var name: CommandName {
    switch self {
    case .allocate: .allocate
    case .onServer(_, let command): command.name
    case .setQuota: .setQuota
    case .snapshot: .snapshot
    }
  }

  /// The server that the command names, if it names one.
  package var serverID: ServerID? {
    switch self {
    case .onServer(let id, _), .snapshot(.server(let id)): id
    case .allocate, .setQuota, .snapshot: nil
    }
  }

  /// The client that the command names, if it names one.
  package var clientID: ClientID? {
    switch self {
    case .allocate(let request): request.clientID
    case .onServer(_, let command): command.clientID
    case .setQuota(let key, _): key.clientID
    case .snapshot: nil
    }
  }
}

/// Give the client a server of that type at that location.
package struct AllocateRequest: Hashable, Sendable {
  package let locationID: LocationID
  package let instanceTypeID: InstanceTypeID
  package let clientID: ClientID
  /// `nil`: on-demand.
  package let contractID: ContractID?
  /// Where the contract has no room, or no row, go on as on-demand.
  package let overflow: Bool

  package init(
    locationID: LocationID, instanceTypeID: InstanceTypeID, clientID: ClientID, contractID: ContractID? = nil,
    overflow: Bool = false
  ) {
    self.locationID = locationID
    self.instanceTypeID = instanceTypeID
    self.clientID = clientID
    self.contractID = contractID
    self.overflow = overflow
  }
}

/// A command for one server.
package enum ServerCommand: Hashable, Sendable {
  case deallocate(clientID: ClientID, allocationID: UUID128?)
  case compensate(clientID: ClientID, allocationID: UUID128?, reason: String?)
  case isolate(Isolation, baselineID: UUID128?)
  case unisolate
  case available(baselineID: UUID128?)
  case quarantine(caseID: String?, reason: String?)
  case unquarantine(UnquarantineOutcome, caseID: String?, reason: String)
  case enroll(Enrollment)
  case reclassify(Reclassification)
  case decommission(reason: String?)

  package var name: CommandName {
    switch self {
    case .deallocate: .deallocate
    case .compensate: .compensate
    case .isolate: .isolate
    case .unisolate: .unisolate
    case .available: .available
    case .quarantine: .quarantine
    case .unquarantine: .unquarantine
    case .enroll: .enroll
    case .reclassify: .reclassify
    case .decommission: .decommission
    }
  }

  package var clientID: ClientID? {
    switch self {
    case .deallocate(let id, _), .compensate(let id, _, _): id
    case .enroll(let enrollment): enrollment.state.tenancy?.clientID
    case .isolate, .unisolate, .available, .quarantine, .unquarantine, .reclassify, .decommission: nil
    }
  }

  /// The reason that the sender gave, for the history.
  package var reason: String? {
    switch self {
    case .compensate(_, _, let reason), .quarantine(_, let reason), .decommission(let reason): reason
    case .isolate(let isolation, _): isolation.reason
    case .unquarantine(_, _, let reason): reason
    case .enroll(let enrollment): enrollment.reason
    case .reclassify(let change): change.reason
    case .deallocate, .unisolate, .available: nil
    }
  }
}

/// How an investigation ends: put back what was there before, or wipe it.
package enum UnquarantineOutcome: String, CaseIterable, Hashable, Sendable {
  case restore, baseline
}

/// Put a server under Ostler, in the state it is in already.
package struct Enrollment: Hashable, Sendable {
  package let locationID: LocationID
  package let instanceTypeID: InstanceTypeID
  package let name: String?
  package let state: EnrolledState
  package let reason: String?
  /// When the allocation or the availability began; recorded, and changes no order.
  package let since: Timestamp?

  package init(
    locationID: LocationID, instanceTypeID: InstanceTypeID, name: String? = nil, state: EnrolledState = .new,
    reason: String? = nil, since: Timestamp? = nil
  ) {
    self.locationID = locationID
    self.instanceTypeID = instanceTypeID
    self.name = name
    self.state = state
    self.reason = reason
    self.since = since
  }
}

/// The state a server is enrolled in. Any but `decommissioned`.
package enum EnrolledState: Hashable, Sendable {
  case new
  case backToBaseline
  case available
  case allocated(Tenancy)
  case isolated(SubState)
  /// With a tenancy: it was allocated when it was frozen; without: it was new.
  case quarantined(Tenancy?)

  package var tenancy: Tenancy? {
    switch self {
    case .allocated(let tenancy): tenancy
    case .quarantined(let tenancy): tenancy
    case .new, .backToBaseline, .available, .isolated: nil
    }
  }
}

/// Who holds a server that is enrolled in use.
package struct Tenancy: Hashable, Sendable {
  package let clientID: ClientID
  package let contractID: ContractID?
  /// `nil`: commit where such a row exists, else on-demand.
  package let quotaType: QuotaType?

  package init(clientID: ClientID, contractID: ContractID? = nil, quotaType: QuotaType? = nil) {
    self.clientID = clientID
    self.contractID = contractID
    self.quotaType = quotaType
  }
}

/// It moved, or was rebuilt. What is `nil` stays as it is.
package struct Reclassification: Hashable, Sendable {
  package let locationID: LocationID?
  package let instanceTypeID: InstanceTypeID?
  package let name: String?
  package let reason: String?

  package init(
    locationID: LocationID? = nil, instanceTypeID: InstanceTypeID? = nil, name: String? = nil, reason: String? = nil
  ) {
    self.locationID = locationID
    self.instanceTypeID = instanceTypeID
    self.name = name
    self.reason = reason
  }
}

/// Which states a `snapshot` publishes.
package enum SnapshotScope: Hashable, Sendable {
  case all
  case server(ServerID)
  case location(LocationID)
}
