import Lifecycle

/// A small fleet in memory: what a store keeps, and nothing else. Only `decide` and `charge` change it.
struct World {
  static let serverIDs = (1...8).map { ServerID(Int64($0)) }
  static let clients = (1...3).map { ClientID(Int64($0)) }
  static let contracts = [ContractID("C-1")!, ContractID("C-2")!]
  static let locations = [LocationID(1), LocationID(2)]
  static let types = [InstanceTypeID(1), InstanceTypeID(2)]

  private(set) var servers: [ServerID: Server] = [:]
  private(set) var quotas: [QuotaKey: Int] = [:]
  /// Every allocation of a server as it was last written, with the version at which it began, oldest first.
  private(set) var past: [ServerID: [Past]] = [:]
  /// The servers in the order in which they became available.
  private(set) var queue: [ServerID] = []

  /// What the allocations that began and ended say is in use.
  private(set) var used: [QuotaCounter: Int] = [:]
  private(set) var running: [ServerID: Allocation] = [:]
  /// Every id that was handed out, to see that none is used twice.
  private var ids: Set<UUID128> = []

  func server(_ id: ServerID) -> Server? { servers[id] }

  mutating func setQuota(_ key: QuotaKey, limit: Int?) { quotas[key] = limit }

  mutating func decideOnServer(
    _ command: ServerCommand, for id: ServerID, ifVersion: Int64?, now: Timestamp, freshID: UUID128
  ) throws(Violation) -> Decision {
    let server = servers[id]
    let facts = answer(
      Question(before: command, on: server), on: server, past: past[id] ?? [], commitRows: Set(quotas.keys), now: now,
      freshID: freshID)
    let decision = decide(command, for: id, on: server, ifVersion: ifVersion, facts: facts)
    if let transition = decision.transition { try write(transition, by: .onServer(id, command), now: now) }
    return decision
  }

  mutating func decideAllocate(
    _ request: AllocateRequest, now: Timestamp, freshID: UUID128
  ) throws(Violation) -> Decision {
    let charge: QuotaCharge
    do { charge = try situation(of: request).charge(for: request) } catch { return .reject(error) }
    let candidate = queue.compactMap { servers[$0] }.first {
      $0.locationID == request.locationID && $0.instanceTypeID == request.instanceTypeID
    }
    let decision = decide(
      request, charge: charge, candidate: candidate, facts: Facts(now: now, freshID: freshID))
    if let transition = decision.transition {
      try write(transition, by: .allocate(request), now: now)
      try checkLimits(after: request, charge)
    }
    return decision
  }

  private mutating func write(_ change: Transition, by command: Command, now: Timestamp) throws(Violation) {
    let id = change.server.id
    let before = servers[id]
    try Laws.check(change, after: before, by: command, now: now)
    switch change.allocation {
    case .none: break
    case .began(let allocation):
      try require(running[id] == nil, "\(id) has a second live allocation")
      try require(ids.insert(allocation.id).inserted, "allocationId \(allocation.id) is used twice")
      running[id] = allocation
      past[id, default: []].append(Past(allocation, atVersion: change.server.version))
      count(allocation, 1)
    case .ended(let allocation):
      guard let live = running.removeValue(forKey: id) else { throw Violation("\(id): ended what is not running") }
      try require(live.id == allocation.id, "\(id): another allocation ended than the one that was running")
      let place = past[id]!.lastIndex { $0.allocation.id == live.id }!
      past[id]![place] = Past(allocation, atVersion: past[id]![place].atVersion)
      count(live, -1)
    }
    if case .backToBaseline(let run) = change.server.state, before?.state != change.server.state {
      try require(ids.insert(run).inserted, "baselineId \(run) is used twice")
    }
    servers[id] = change.server
    queue.removeAll { $0 == id }
    if change.server.state == .available { queue.append(id) }
    try checkUse()
  }

  private mutating func count(_ allocation: Allocation, _ step: Int) {
    used[QuotaCounter(allocation), default: 0] += step
  }
}

/// What is counted together: a commit allocation with its contract, an on-demand one with its client, place and type.
struct QuotaCounter: Hashable {
  let client: ClientID
  let contract: ContractID?
  let location: LocationID
  let type: InstanceTypeID

  init(_ allocation: Allocation) {
    client = allocation.clientID
    contract = allocation.quotaType == .commit ? allocation.contractID : nil
    location = allocation.locationID
    type = allocation.instanceTypeID
  }
}

// Section 5, read by counting.
extension World {
  /// How many live allocations of the client count against a row with this key.
  private func use(_ client: ClientID, _ key: QuotaKey) -> Int {
    running.values.count { allocation in
      allocation.clientID == client
        && (key.contractID == nil
          ? allocation.quotaType == .onDemand
          : allocation.quotaType == .commit && allocation.contractID == key.contractID)
        && (key.locationID == .any || allocation.locationID == key.locationID)
        && (key.instanceTypeID == .any || allocation.instanceTypeID == key.instanceTypeID)
    }
  }

  /// The client's own row, else client 0's.
  private func row(_ client: ClientID, _ location: LocationID, _ type: InstanceTypeID) -> QuotaRow? {
    for owner in [client, .nobody] {
      let key = QuotaKey(clientID: owner, locationID: location, instanceTypeID: type)
      if let limit = quotas[key] { return QuotaRow(key: key, limit: limit) }
    }
    return nil
  }

  func situation(of request: AllocateRequest) -> QuotaSituation {
    let (client, location, type) = (request.clientID, request.locationID, request.instanceTypeID)
    func use(_ contract: ContractID?, _ location: LocationID, _ type: InstanceTypeID) -> Int {
      self.use(
        client, QuotaKey(clientID: client, contractID: contract, locationID: location, instanceTypeID: type))
    }
    let commit = request.contractID.flatMap { contract -> QuotaRow? in
      let key = QuotaKey(clientID: client, contractID: contract, locationID: location, instanceTypeID: type)
      return quotas[key].map { QuotaRow(key: key, limit: $0) }
    }
    return QuotaSituation(
      commit: commit, commitUse: request.contractID.map { use($0, location, type) } ?? 0,
      onDemand: row(client, location, type), onDemandUse: use(nil, location, type),
      locationCap: row(client, location, .any), locationUse: use(nil, location, .any),
      clientCap: row(client, .any, .any), clientUse: use(nil, .any, .any))
  }

  /// No allocation may leave a row that binds it above its limit, and the row that gave the room says its use.
  private func checkLimits(after request: AllocateRequest, _ charge: QuotaCharge) throws(Violation) {
    let (client, location, type) = (request.clientID, request.locationID, request.instanceTypeID)
    var bound = [charge.row]
    if charge.quotaType == .onDemand {
      bound += [row(client, location, .any), row(client, .any, .any)].compactMap { $0 }
      let own = row(client, location, type)
      try require(own == charge.row, "charged to \(charge.row), not to \(String(describing: own))")
    } else {
      try require(charge.row.key.contractID == request.contractID, "charged to a contract that was not asked for")
      try require(charge.row.key.clientID == client, "charged to another client's contract")
    }
    for row in bound {
      try require(use(client, row.key) <= row.limit, "client \(client) is above \(row)")
    }
    try require(use(client, charge.row.key) == charge.used, "\(charge) is not the use of client \(client)")
  }

  /// What began and ended adds up to what is running, and what is running is what the servers say.
  private func checkUse() throws(Violation) {
    var counted: [QuotaCounter: Int] = [:]
    for server in servers.values {
      try require(server.state.liveAllocation == running[server.id], "\(server.id) does not say what is running")
      if let live = server.state.liveAllocation { counted[QuotaCounter(live), default: 0] += 1 }
    }
    try require(used.filter { $0.value != 0 } == counted, "the use of quotas is not the live allocations")
  }
}
