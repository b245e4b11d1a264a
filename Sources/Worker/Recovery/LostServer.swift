package import Lifecycle

/// What the events log tells of a server after a backup was taken.
package struct LostServer: Hashable, Sendable {
  package let id: ServerID
  /// Changes that are not in the backup.
  package private(set) var changes = 0
  /// The version that the first of them made.
  package let firstVersion: Int64
  package private(set) var last: LostChange
  /// Those that began, ended, or both, in the order in which they were first heard of; the latest of many.
  package private(set) var allocations: [LostAllocation] = []
  /// Earlier ones that are not listed.
  package private(set) var moreAllocations = 0

  /// Allocations that are listed of one server.
  static let maxAllocations = 20

  init(_ change: LostChange) {
    id = change.serverID
    firstVersion = change.version
    last = change
    take(change)
  }

  mutating func take(_ change: LostChange) {
    changes += 1
    if change.place >= last.place { last = change }
    guard let allocation = change.allocation else { return }
    if let index = allocations.firstIndex(where: { $0.id == allocation.id }) {
      allocations[index].take(allocation)
    } else if allocation.began || allocation.endedAt != nil {
      allocations.append(allocation)
      if allocations.count > Self.maxAllocations {
        allocations.removeFirst()
        moreAllocations += 1
      }
    }
  }

  package var lastKnown: LastKnown {
    LastKnown(
      name: last.name, locationID: last.locationID, instanceTypeID: last.instanceTypeID, state: last.state)
  }
}

/// One change of a server, as its event told it.
package struct LostChange: Hashable, Sendable {
  package let serverID: ServerID
  package let place: LogPlace
  package let version: Int64
  package let time: Timestamp
  package let event: ServerEvent
  package let name: String?
  package let locationID: LocationID
  package let instanceTypeID: InstanceTypeID
  package let state: StateName
  package let subState: String?
  package let reason: String?
  package let command: String?
  package let actor: String?
  package let allocation: LostAllocation?

  /// `nil`: the event is of something else, or lacks what every change of a server has.
  init?(_ logged: LoggedEvent) {
    guard case .change(let event) = logged.kind, let version = logged.version,
      let serverID = logged.data["serverId"]?.integer, (1...maxIdentifier).contains(serverID),
      let location = logged.data["locationId"]?.integer, (1...maxIdentifier).contains(location),
      let type = logged.data["instanceTypeId"]?.integer, (1...maxIdentifier).contains(type),
      let state = logged.data["state"]?.text.flatMap(StateName.init(rawValue:))
    else { return nil }
    self.serverID = ServerID(serverID)
    place = logged.place
    self.version = version
    time = logged.time
    self.event = event
    name = logged.data["name"]?.text
    locationID = LocationID(location)
    instanceTypeID = InstanceTypeID(type)
    self.state = state
    subState = logged.data["subState"]?.text
    reason = logged.data["reason"]?.text
    command = logged.data["command"]?.text
    actor = logged.data["actor"]?.text
    allocation = logged.data["allocation"].flatMap { LostAllocation($0, event: event) }
  }
}

/// An allocation that began or ended after a backup was taken.
package struct LostAllocation: Hashable, Sendable {
  package let id: UUID128
  package let clientID: ClientID
  package let contractID: String?
  package let quotaType: String?
  package let startedAt: String?
  /// After the backup, that is.
  package private(set) var began: Bool
  package private(set) var endedAt: String?
  package private(set) var endedBy: String?

  init?(_ data: Detail, event: ServerEvent) {
    guard let id = data["id"]?.text.flatMap({ UUID128($0) }), let client = data["clientId"]?.integer else { return nil }
    self.id = id
    clientID = ClientID(client)
    contractID = data["contractId"]?.text
    quotaType = data["quotaType"]?.text
    startedAt = data["startedAt"]?.text
    endedAt = data["endedAt"]?.text
    endedBy = data["endedBy"]?.text
    switch event {
    case .allocated, .enrolled: began = true
    case .deallocated, .compensated, .isolated, .isolationUpdated, .unisolated, .available, .quarantined,
      .quarantineUpdated, .unquarantined, .reclassified, .decommissioned:
      began = false
    }
  }

  mutating func take(_ later: LostAllocation) {
    began = began || later.began
    endedAt = endedAt ?? later.endedAt
    endedBy = endedBy ?? later.endedBy
  }
}
