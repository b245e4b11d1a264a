import Lifecycle
import Store
import Testing

@Suite struct ServerTests {
  static let isolation = Isolation(subState: .brokenHardware, reason: "fan")

  static let states: [ServerState] = {
    let running = allocation(1, of: newServer(5), contract: "C-1", type: .commit)
    let holds = [Hold(caseID: "B"), Hold(caseID: nil), Hold(caseID: "A\u{0}'\"")]
    return [
      .new, .backToBaseline(baselineID: id(9)), .available, .allocated(running), .isolated(isolation),
      .isolated(Isolation(subState: .reserved)), .decommissioned,
      .quarantined(Quarantine(holds: holds, held: .new)),
      .quarantined(Quarantine(holds: [Hold(caseID: nil)], held: .backToBaseline)),
      .quarantined(Quarantine(holds: [Hold(caseID: nil)], held: .available)),
      .quarantined(Quarantine(holds: [Hold(caseID: "A")], held: .allocated(running))),
      .quarantined(Quarantine(holds: [Hold(caseID: "A")], held: .allocationEnded)),
      .quarantined(Quarantine(holds: [Hold(caseID: "A")], held: .isolated(isolation))),
    ]
  }()

  @Test("every state comes back as it was written", arguments: states)
  func roundTrip(state: ServerState) async throws {
    try await withStore { store, _ in
      let server = newServer(5, state: state, name: "rack 1 ü")
      let change: AllocationChange = state.liveAllocation.map { .began($0) } ?? .none
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.apply(server, .enrolled, change)
      }
      let read = try await store.read { (snapshot) throws(StoreError) in try snapshot.server(ServerID(5)) }
      #expect(read == server)
    }
  }

  @Test("every state can follow every other", arguments: states)
  func everyStep(from: ServerState) async throws {
    try await withStore { store, _ in
      for (number, to) in Self.states.enumerated() {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          let id = ServerID(Int64(number + 1))
          var first = newServer(id.rawValue, state: from)
          first.state = moved(from, to: id)
          try transaction.apply(first, .enrolled, first.state.liveAllocation.map { .began($0) } ?? .none)
          if let running = first.state.liveAllocation {
            first = changed(first, to: .new)
            try transaction.apply(first, .deallocated, .ended(running.ended(by: .deallocate, at: t0)))
          }
          let second = changed(first, to: moved(to, to: id))
          let event: ServerEvent = second.version == 2 ? .isolated : .reclassified
          try transaction.apply(second, event, second.state.liveAllocation.map { .began($0) } ?? .none)
          let read = try transaction.server(id)
          #expect(read == second)
        }
      }
    }
  }

  @Test("a change of a version that is not there is refused")
  func staleVersion() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.apply(newServer(1), .enrolled)
      }
      await #expect(throws: StoreError.self) {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          var wrong = changed(newServer(1), to: .available)
          wrong.version = 3
          try transaction.apply(wrong, .available)
        }
      }
    }
  }
}

/// The state with its allocation moved to another server.
private func moved(_ state: ServerState, to server: ServerID) -> ServerState {
  switch state {
  case .allocated: .allocated(allocation(UInt64(server.rawValue), of: newServer(server.rawValue)))
  case .quarantined(let quarantine) where quarantine.held.liveAllocation != nil:
    .quarantined(
      Quarantine(
        holds: quarantine.holds,
        held: .allocated(allocation(UInt64(server.rawValue), of: newServer(server.rawValue)))))
  case .new, .backToBaseline, .available, .isolated, .quarantined, .decommissioned: state
  }
}
