import Lifecycle
import Store
import Testing

@Suite struct QuotaTests {
  private func quota(_ client: Int64, _ contract: String?, _ location: Int64, _ type: Int64) -> QuotaKey {
    QuotaKey(
      clientID: ClientID(client), contractID: contract.flatMap { ContractID($0) }, locationID: LocationID(location),
      instanceTypeID: InstanceTypeID(type))
  }

  @Test("setting a row tells the limit before; removing it too")
  func set() async throws {
    try await withStore { store, _ in
      let key = quota(7, "C-1", 18, 3)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        #expect(try transaction.quotaRow(key) == nil)
        #expect(try transaction.setQuota(key, limit: 5) == nil)
        #expect(try transaction.setQuota(key, limit: 0) == 5)
        #expect(try transaction.quotaRow(key) == QuotaRow(key: key, limit: 0))
        #expect(try transaction.setQuota(key, limit: nil) == 0)
        #expect(try transaction.setQuota(key, limit: nil) == nil)
        #expect(try transaction.quotaRow(key) == nil)
      }
    }
  }

  @Test("the client's own rows come before client 0's, each by itself")
  func situation() async throws {
    try await withStore { store, _ in
      let keys = [
        quota(0, nil, 18, 3), quota(0, nil, 18, 0), quota(0, nil, 0, 0), quota(7, nil, 18, 3), quota(7, nil, 18, 0),
        quota(7, nil, 0, 0), quota(7, "C-1", 18, 3),
      ]
      // Rows that must not be mistaken for them.
      let others = [
        quota(7, "C-2", 18, 3), quota(8, "C-1", 18, 3), quota(7, "C-1", 19, 3), quota(7, "C-1", 18, 4),
        quota(8, nil, 18, 3), quota(7, nil, 19, 3), quota(7, nil, 18, 4), quota(8, nil, 18, 0), quota(8, nil, 0, 0),
      ]
      let contract = ContractID("C-1")
      for mask in 0..<(1 << keys.count) {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          for key in others { try transaction.setQuota(key, limit: 99) }
          for (index, key) in keys.enumerated() {
            try transaction.setQuota(key, limit: mask & 1 << index == 0 ? nil : index)
          }
          func row(_ index: Int) -> QuotaRow? {
            mask & 1 << index == 0 ? nil : QuotaRow(key: keys[index], limit: index)
          }
          let request = AllocateRequest(
            locationID: LocationID(18), instanceTypeID: InstanceTypeID(3), clientID: ClientID(7), contractID: contract)
          let expected = QuotaSituation(
            commit: row(6), onDemand: row(3) ?? row(0), locationCap: row(4) ?? row(1), clientCap: row(5) ?? row(2))
          #expect(try transaction.quotaSituation(for: request) == expected, "rows \(mask)")
        }
      }
      let onDemand = try await store.read { (snapshot) throws(StoreError) in
        try snapshot.quotaSituation(
          for: AllocateRequest(
            locationID: LocationID(18), instanceTypeID: InstanceTypeID(3), clientID: ClientID(7)))
      }
      #expect(onDemand.commit == nil)
      #expect(onDemand.onDemand?.key == keys[3])
    }
  }

  @Test(
    "use is the live allocations, whatever the order they begin and end in", arguments: 1...4 as ClosedRange<UInt64>)
  func use(seed: UInt64) async throws {
    try await withStore { store, _ in
      var random = Seeded(state: seed)
      var servers: [Server] = []
      for number in 1...30 {
        servers.append(
          newServer(Int64(number), location: Int64(random.below(3) + 1), type: Int64(random.below(3) + 1)))
      }
      let first = servers
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for server in first { try transaction.apply(server, .enrolled) }
      }
      for step in 1...150 {
        let index = random.below(servers.count)
        let server = servers[index]
        var next = changed(server, to: .new)
        let change: AllocationChange
        let event: ServerEvent
        if let running = server.state.liveAllocation {
          let isFrozen = server.state.name == .quarantined
          if !isFrozen, random.below(3) == 0 {
            next = changed(
              server, to: .quarantined(Quarantine(holds: [Hold(caseID: nil)], held: .allocated(running))))
            (event, change) = (.quarantined, .none)
          } else {
            let cause = AllocationEnd.Cause.allCases[random.below(3)]
            (event, change) = (.deallocated, .ended(running.ended(by: cause, at: t0)))
          }
        } else {
          let isCommit = random.below(2) == 0
          let began = allocation(
            UInt64(step) << 32 | seed, of: server, client: Int64(random.below(3) + 1),
            contract: isCommit || random.below(2) == 0 ? "C-\(random.below(2))" : nil,
            type: isCommit ? .commit : .onDemand)
          next = changed(server, to: .allocated(began))
          (event, change) = (.allocated, .began(began))
        }
        servers[index] = next
        let after = next
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          try transaction.apply(after, event, change)
        }
        let live = servers.compactMap(\.state.liveAllocation)
        try await store.read { (snapshot) throws(StoreError) in try expectUse(in: snapshot, is: live) }
      }
    }
  }

  private func expectUse(in snapshot: Snapshot, is live: [Allocation]) throws(StoreError) {
    for client in 1...3 as ClosedRange<Int64> {
      let own = live.filter { $0.clientID == ClientID(client) }
      let onDemand = own.filter { $0.quotaType == .onDemand }
      #expect(try snapshot.use(of: quota(client, nil, 0, 0)) == onDemand.count)
      for location in 1...3 as ClosedRange<Int64> {
        let here = onDemand.filter { $0.locationID == LocationID(location) }
        #expect(try snapshot.use(of: quota(client, nil, location, 0)) == here.count)
        for type in 1...3 as ClosedRange<Int64> {
          let typed = here.filter { $0.instanceTypeID == InstanceTypeID(type) }
          #expect(try snapshot.use(of: quota(client, nil, location, type)) == typed.count)
          for contract in ["C-0", "C-1"] {
            let key = quota(client, contract, location, type)
            let charged = own.filter {
              $0.quotaType == .commit && $0.contractID == key.contractID && $0.locationID == key.locationID
                && $0.instanceTypeID == key.instanceTypeID
            }
            #expect(try snapshot.use(of: key) == charged.count)
            let situation = try snapshot.quotaSituation(
              for: AllocateRequest(
                locationID: key.locationID, instanceTypeID: key.instanceTypeID, clientID: key.clientID,
                contractID: key.contractID))
            #expect(situation.commitUse == charged.count)
            #expect(situation.onDemandUse == typed.count)
            #expect(situation.locationUse == here.count)
            #expect(situation.clientUse == onDemand.count)
          }
        }
      }
    }
  }

  @Test("the list is in order, in pages, with the use of each row and none for client 0")
  func list() async throws {
    try await withStore { store, _ in
      let keys = [
        quota(0, nil, 0, 0), quota(0, nil, 18, 3), quota(7, nil, 0, 0), quota(7, nil, 18, 0), quota(7, nil, 18, 3),
        quota(7, "C-1", 18, 3), quota(8, "C-1", 18, 3),
      ]
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for key in keys.reversed() { try transaction.setQuota(key, limit: 4) }
        for (number, contract) in [(1, nil), (2, "C-1"), (3, "C-1")] as [(Int64, String?)] {
          let began = allocation(
            UInt64(number), of: newServer(number), contract: contract, type: contract == nil ? .onDemand : .commit)
          try transaction.apply(newServer(number, state: .allocated(began)), .enrolled, .began(began))
        }
      }
      for pageSize in 1...8 {
        var listed: [QuotaListing] = []
        try await store.forEachQuota(pageSize: pageSize) { listed.append($0) }
        #expect(listed.map(\.row) == keys.map { QuotaRow(key: $0, limit: 4) })
        #expect(listed.map(\.used) == [nil, nil, 1, 1, 1, 2, 0])
      }
      var ofClient: [QuotaKey] = []
      try await store.forEachQuota(of: ClientID(7)) { ofClient.append($0.row.key) }
      #expect(ofClient == Array(keys[2...5]))
    }
  }
}

/// A generator that gives the same sequence each time (SplitMix64).
struct Seeded {
  var state: UInt64

  mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((word ^ (word >> 31)) % UInt64(bound))
  }
}
