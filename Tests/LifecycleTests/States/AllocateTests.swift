import Lifecycle
import Testing

@Suite("allocate, contract sections 3 and 5")
struct AllocateTests {
  private static let request = AllocateRequest(
    locationID: Fixture.location, instanceTypeID: Fixture.type, clientID: Fixture.owner,
    contractID: ContractID("C-1"), overflow: true)
  private static let commit = QuotaRow(
    key: QuotaKey(
      clientID: Fixture.owner, contractID: ContractID("C-1"), locationID: Fixture.location,
      instanceTypeID: Fixture.type), limit: 5)
  private static let onDemand = QuotaRow(
    key: QuotaKey(clientID: .nobody, locationID: Fixture.location, instanceTypeID: Fixture.type), limit: 9)

  @Test("the candidate is given to the client, charged to the row that had room", arguments: [commit, onDemand])
  func applied(_ row: QuotaRow) {
    let candidate = Fixture.server(.available)
    let allocation = Allocation(
      id: Fixture.freshID, serverID: Fixture.serverID, clientID: Fixture.owner, contractID: ContractID("C-1"),
      quotaType: row == Self.commit ? .commit : .onDemand, locationID: Fixture.location,
      instanceTypeID: Fixture.type, startedAt: Fixture.now)
    let decision = decide(
      Self.request, charge: QuotaCharge(row: row, used: 3), candidate: candidate,
      facts: Facts(now: Fixture.now, freshID: Fixture.freshID))
    #expect(
      decision
        == .apply(
          Transition(
            server: Fixture.after(candidate, .allocated(allocation)), event: .allocated,
            allocation: .began(allocation))))
  }

  @Test("a clock that went back does not start an allocation before the server was available")
  func clockWentBack() {
    let decision = decide(
      Self.request, charge: QuotaCharge(row: Self.commit, used: 1), candidate: Fixture.server(.available),
      facts: Facts(now: Fixture.changedAt - .seconds(60), freshID: Fixture.freshID))
    #expect(decision.transition?.server.changedAt == Fixture.changedAt)
    #expect(decision.transition?.server.state.liveAllocation?.startedAt == Fixture.changedAt)
  }

  @Test("none is available: no-capacity, with the row, its limit, and its use without this one")
  func noCapacity() throws {
    let decision = decide(
      Self.request, charge: QuotaCharge(row: Self.onDemand, used: 3), candidate: nil,
      facts: Facts(now: Fixture.now, freshID: Fixture.freshID))
    guard case .reject(let rejection) = decision else {
      Issue.record("\(decision)")
      return
    }
    #expect(rejection.code == .noCapacity)
    #expect(rejection["clientId"] == .integer(0))
    #expect(rejection["contractId"] == nil)
    #expect(rejection["locationId"] == .integer(18))
    #expect(rejection["instanceTypeId"] == .integer(40))
    #expect(rejection["quotaType"] == .text("onDemand"))
    #expect(rejection["limit"] == .integer(9))
    #expect(rejection["used"] == .integer(2))
  }
}
