/// Which quota an allocation is charged to.
package enum QuotaType: String, CaseIterable, Hashable, Sendable {
  case commit, onDemand
}

/// A client's time with a server: what billing asks for.
package struct Allocation: Hashable, Sendable {
  package let id: UUID128
  package let serverID: ServerID
  package let clientID: ClientID
  /// The contract that was asked for, also after overflow.
  package let contractID: ContractID?
  /// What it is charged to until it ends.
  package let quotaType: QuotaType
  package let locationID: LocationID
  package let instanceTypeID: InstanceTypeID
  package let startedAt: Timestamp
  /// `nil` while it runs.
  package let end: AllocationEnd?

  package init(
    id: UUID128, serverID: ServerID, clientID: ClientID, contractID: ContractID?, quotaType: QuotaType,
    locationID: LocationID, instanceTypeID: InstanceTypeID, startedAt: Timestamp, end: AllocationEnd? = nil
  ) {
    self.id = id
    self.serverID = serverID
    self.clientID = clientID
    self.contractID = contractID
    self.quotaType = quotaType
    self.locationID = locationID
    self.instanceTypeID = instanceTypeID
    self.startedAt = startedAt
    self.end = end
  }

  /// Not billable once ended by `compensate`, else billable.
  package var isBillable: Bool { end?.by != .compensate }

  /// Every quota row, existing or not, whose use this allocation counts in while it runs: its contract's, or the
  /// client's for the location and type, for the location, and for all (contract section 5).
  package var chargedKeys: [QuotaKey] {
    func key(_ contract: ContractID?, _ location: LocationID, _ type: InstanceTypeID) -> QuotaKey {
      QuotaKey(clientID: clientID, contractID: contract, locationID: location, instanceTypeID: type)
    }
    return switch quotaType {
    case .commit: [key(contractID, locationID, instanceTypeID)]
    case .onDemand: [key(nil, locationID, instanceTypeID), key(nil, locationID, .any), key(nil, .any, .any)]
    }
  }

  package func ended(by cause: AllocationEnd.Cause, at moment: Timestamp) -> Allocation {
    precondition(end == nil, "an allocation ends once")
    return Allocation(
      id: id, serverID: serverID, clientID: clientID, contractID: contractID, quotaType: quotaType,
      locationID: locationID, instanceTypeID: instanceTypeID, startedAt: startedAt,
      end: AllocationEnd(at: moment, by: cause))
  }
}

package struct AllocationEnd: Hashable, Sendable {
  package enum Cause: String, CaseIterable, Hashable, Sendable {
    case deallocate, compensate, unquarantine
  }
  package let at: Timestamp
  package let by: Cause
  package init(at: Timestamp, by: Cause) {
    self.at = at
    self.by = by
  }
}
