/// The key of a quota row. ``isCommit``: all four set. Otherwise on-demand, of one type at one location, or a cap.
package struct QuotaKey: Hashable, Sendable {
  /// ``ClientID/nobody``: the default for clients without their own row.
  package let clientID: ClientID
  package let contractID: ContractID?
  package let locationID: LocationID
  package let instanceTypeID: InstanceTypeID

  package init(
    clientID: ClientID, contractID: ContractID? = nil, locationID: LocationID, instanceTypeID: InstanceTypeID
  ) {
    self.clientID = clientID
    self.contractID = contractID
    self.locationID = locationID
    self.instanceTypeID = instanceTypeID
  }

  package var isCommit: Bool { contractID != nil }
  package var quotaType: QuotaType { isCommit ? .commit : .onDemand }
}

/// A limit on live allocations: 0...``maxLimit``.
package struct QuotaRow: Hashable, Sendable {
  package let key: QuotaKey
  package let limit: Int
  package static let maxLimit = 32_767

  package init(key: QuotaKey, limit: Int) {
    self.key = key
    self.limit = limit
  }
}

/// Everything that decides whether one client may have one more server: the rows that could apply, and how many live
/// allocations count against each of them.
package struct QuotaSituation: Hashable, Sendable {
  /// The commit row of exactly that client, contract, location and type.
  package var commit: QuotaRow?
  /// Live allocations charged to that commit row, whether the row exists or not.
  package var commitUse: Int
  /// The client's own row for the location and type, else client 0's.
  package var onDemand: QuotaRow?
  /// The client's live on-demand allocations at the location with the type.
  package var onDemandUse: Int
  /// The client's own cap for the location, else client 0's.
  package var locationCap: QuotaRow?
  /// The client's live on-demand allocations at the location, of any type.
  package var locationUse: Int
  /// The client's own cap over all locations, else client 0's.
  package var clientCap: QuotaRow?
  /// All of the client's live on-demand allocations.
  package var clientUse: Int

  package init(
    commit: QuotaRow? = nil, commitUse: Int = 0, onDemand: QuotaRow? = nil, onDemandUse: Int = 0,
    locationCap: QuotaRow? = nil, locationUse: Int = 0, clientCap: QuotaRow? = nil, clientUse: Int = 0
  ) {
    self.commit = commit
    self.commitUse = commitUse
    self.onDemand = onDemand
    self.onDemandUse = onDemandUse
    self.locationCap = locationCap
    self.locationUse = locationUse
    self.clientCap = clientCap
    self.clientUse = clientUse
  }
}

/// The row that gave the room, and how many the client has of it with this one.
package struct QuotaCharge: Hashable, Sendable {
  package let row: QuotaRow
  package let used: Int
  package var quotaType: QuotaType { row.key.quotaType }
  package init(row: QuotaRow, used: Int) {
    self.row = row
    self.used = used
  }
}
