import Lifecycle
import Store

/// A snapshot of the store with the changes of a dry run on top, kept in memory: it never takes the write lock.
final class DryRunView: StateView {
  private let base: Snapshot
  private var servers: [ServerID: Server] = [:]
  /// Servers that are available in the snapshot, the longest first, without those at the front that the dry run has
  /// changed. Read once for each place: to pass over all of the changed ones each time would take ever longer.
  private var available: [Place: ArraySlice<ServerID>] = [:]
  /// Servers that the dry run made available, in that order: after all that were available before.
  private var madeAvailable: [ServerID] = []
  private var allocations: [Changed] = []
  private var limits: [QuotaKey: Int?] = [:]
  private var useChanges: [QuotaKey: Int] = [:]
  private var operations: [OperationKey: [OperationRecord]] = [:]

  private struct Place: Hashable {
    let location: LocationID
    let type: InstanceTypeID
  }

  /// An allocation that began or ended in this run, and the enrolment of its server that it belongs to.
  private struct Changed {
    let allocation: Allocation
    let enrolledAtVersion: Int64

    func belongs(to server: ServerID, _ version: Int64) -> Bool {
      allocation.serverID == server && enrolledAtVersion == version
    }
  }

  init(_ base: Snapshot) { self.base = base }

  // MARK: Reading

  func attempts(of key: OperationKey) throws(StoreError) -> [OperationRecord] {
    let changed = operations[key] ?? []
    let known = try base.attempts(of: key)
    return known.filter { old in !changed.contains { $0.attempt == old.attempt } } + changed
  }

  func lostOperation(_ key: OperationKey) throws(StoreError) -> LostOperation? { try base.lostOperation(key) }

  func server(_ id: ServerID) throws(StoreError) -> Server? {
    if let changed = servers[id] { return changed }
    return try base.server(id)
  }

  func allocation(
    _ id: UUID128, of server: ServerID, sinceVersion version: Int64
  ) throws(StoreError) -> Allocation? {
    if let changed = allocations.last(where: { $0.allocation.id == id && $0.belongs(to: server, version) }) {
      return changed.allocation
    }
    return try base.allocation(id, of: server, sinceVersion: version)
  }

  func latestAllocation(
    of client: ClientID, on server: ServerID, sinceVersion version: Int64
  ) throws(StoreError) -> Allocation? {
    if let changed = allocations.last(where: {
      $0.allocation.clientID == client && $0.belongs(to: server, version)
    }) {
      return changed.allocation
    }
    return try base.latestAllocation(of: client, on: server, sinceVersion: version)
  }

  func quotaRow(_ key: QuotaKey) throws(StoreError) -> QuotaRow? {
    if let changed = limits[key] { return changed.map { QuotaRow(key: key, limit: $0) } }
    return try base.quotaRow(key)
  }

  func quotaSituation(for request: AllocateRequest) throws(StoreError) -> QuotaSituation {
    let (location, type) = (request.locationID, request.instanceTypeID)
    func key(_ client: ClientID, _ location: LocationID, _ type: InstanceTypeID) -> QuotaKey {
      QuotaKey(clientID: client, locationID: location, instanceTypeID: type)
    }
    func row(_ location: LocationID, _ type: InstanceTypeID) throws(StoreError) -> QuotaRow? {
      if let own = try quotaRow(key(request.clientID, location, type)) { return own }
      return try quotaRow(key(.nobody, location, type))
    }
    let commit = request.contractID.map { contract in
      QuotaKey(clientID: request.clientID, contractID: contract, locationID: location, instanceTypeID: type)
    }
    var situation = QuotaSituation(
      onDemand: try row(location, type), onDemandUse: try use(of: key(request.clientID, location, type)),
      locationCap: try row(location, .any), locationUse: try use(of: key(request.clientID, location, .any)),
      clientCap: try row(.any, .any), clientUse: try use(of: key(request.clientID, .any, .any)))
    if let commit {
      situation.commit = try quotaRow(commit)
      situation.commitUse = try use(of: commit)
    }
    return situation
  }

  private func use(of key: QuotaKey) throws(StoreError) -> Int { try base.use(of: key) + useChanges[key, default: 0] }

  func longestAvailable(at location: LocationID, type: InstanceTypeID) throws(StoreError) -> Server? {
    let place = Place(location: location, type: type)
    var untouched =
      if let known = available[place] { known } else { try base.availableServers(at: location, type: type)[...] }
    while let first = untouched.first, servers[first] != nil { untouched = untouched.dropFirst() }
    available[place] = untouched
    if let first = untouched.first { return try base.server(first) }
    for id in madeAvailable {
      guard let server = servers[id], server.locationID == location, server.instanceTypeID == type else { continue }
      return server
    }
    return nil
  }

  // MARK: Changing

  func apply(_ transition: Transition) {
    let server = transition.server
    servers[server.id] = server
    madeAvailable.removeAll { $0 == server.id }
    if server.state == .available { madeAvailable.append(server.id) }
    switch transition.allocation {
    case .none: break
    case .began(let allocation): note(allocation, of: server, useChange: 1)
    case .ended(let allocation): note(allocation, of: server, useChange: -1)
    }
  }

  private func note(_ allocation: Allocation, of server: Server, useChange: Int) {
    allocations.append(Changed(allocation: allocation, enrolledAtVersion: server.enrolledAtVersion))
    for key in allocation.chargedKeys { useChanges[key, default: 0] += useChange }
  }

  func setQuota(_ key: QuotaKey, limit: Int?) { limits[key] = .some(limit) }

  func record(_ record: OperationRecord) {
    operations[record.key, default: []].removeAll { $0.attempt == record.attempt }
    operations[record.key, default: []].append(record)
  }
}
