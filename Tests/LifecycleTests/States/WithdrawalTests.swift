import Lifecycle
import Testing

@Suite("Withdrawing a server whose later changes are lost")
struct WithdrawalTests {
  private static let lastKnown = LastKnown(
    name: "n", locationID: LocationID(19), instanceTypeID: InstanceTypeID(127), state: .allocated)
  private static let allocation = Allocation(
    id: UUID128(high: 1, low: 2), serverID: ServerID(1), clientID: ClientID(7), contractID: nil, quotaType: .onDemand,
    locationID: LocationID(18), instanceTypeID: InstanceTypeID(126), startedAt: Timestamp(milliseconds: 0))

  private func server(_ state: ServerState) -> Server {
    Server(
      id: ServerID(1), version: 5, enrolledAtVersion: 1, name: nil, locationID: LocationID(18),
      instanceTypeID: InstanceTypeID(126), state: state, previousState: nil, reason: nil,
      changedAt: Timestamp(milliseconds: 1000))
  }

  private func after(_ server: Server?, _ lastKnown: LastKnown = lastKnown) -> Server? {
    let command = ServerCommand.withdraw(server, lastKnown: lastKnown, caseID: "restore-2", reason: "why")
    guard let command else { return nil }
    let facts = Facts(now: Timestamp(milliseconds: 2000), freshID: UUID128(high: 3, low: 4))
    guard case .apply(let transition) = decide(command, for: ServerID(1), on: server, ifVersion: nil, facts: facts)
    else {
      Issue.record("\(command) is not applied")
      return nil
    }
    #expect(transition.allocation == .none, "whoever has it keeps it")
    return transition.server
  }

  @Test(
    "in no state can it be given to anybody afterwards, and no allocation ends",
    arguments: [
      ServerState.new, .backToBaseline(baselineID: UUID128(high: 5, low: 6)), .available, .allocated(allocation),
      .isolated(Isolation(subState: .brokenHardware)), .isolated(Isolation(subState: .unknownError, reason: "before")),
      .quarantined(Quarantine(holds: [Hold(caseID: "a")], held: .available)),
      .quarantined(Quarantine(holds: [Hold(caseID: nil)], held: .allocated(allocation))),
    ])
  func states(state: ServerState) throws {
    let changed = try #require(after(server(state)))
    #expect(changed.version == 6)
    switch state {
    case .new, .backToBaseline, .available, .isolated:
      #expect(changed.state == .isolated(Isolation(subState: .unknownError, reason: "why")))
    case .allocated, .quarantined:
      guard case .quarantined(let quarantine) = changed.state else { return #expect(Bool(false), "\(changed.state)") }
      #expect(quarantine.holds.last == Hold(caseID: "restore-2"))
      #expect(changed.state.liveAllocation == state.liveAllocation)
    case .decommissioned: Issue.record("not here")
    }
  }

  @Test("one that is not here, or was out for good, is enrolled as taken out of use; one that is gone stays gone")
  func enrolled() throws {
    for before in [nil, server(.decommissioned)] {
      let changed = try #require(after(before))
      #expect(changed.state == .isolated(Isolation(subState: .unknownError, reason: "why")))
      #expect(changed.locationID == LocationID(19) && changed.name == "n")
      let gone = LastKnown(
        name: nil, locationID: LocationID(19), instanceTypeID: InstanceTypeID(127), state: .decommissioned)
      #expect(after(before, gone) == nil)
    }
  }
}
