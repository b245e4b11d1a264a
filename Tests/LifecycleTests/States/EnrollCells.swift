import Lifecycle

/// ⁵ `enroll` of a server that is here, and of one that is not, or no longer.
enum EnrollCells {
  static let all: [CellCase] = here + given

  private static let here: [CellCase] =
    StateName.allCases.filter { $0 != .decommissioned }.flatMap { name -> [CellCase] in
      let named = Fixture.server(Fixture.state(name))
      let nameless = Fixture.server(Fixture.state(name), name: nil)
      func asked(
        _ about: String, on server: Server, _ expected: CellCase.Expected, location: LocationID = Fixture.location,
        type: InstanceTypeID = Fixture.type, name: String? = nil, state: EnrolledState = .new
      ) -> CellCase {
        let enrollment = Enrollment(
          locationID: location, instanceTypeID: type, name: name, state: state, reason: "again")
        return CellCase("⁵ \(about)", .enroll(enrollment), on: server, expected)
      }
      let exists = CellCase.Expected.rejected(.serverExists)
      return [
        asked("same, with the name", on: named, .unchanged, name: Fixture.name),
        asked("same, no name given", on: named, .unchanged),
        asked("same, neither has a name", on: nameless, .unchanged),
        asked("same, another state given", on: named, .unchanged, state: .isolated(.reserved)),
        asked("same, a client given", on: named, .unchanged, state: .allocated(Tenancy(clientID: Fixture.stranger))),
        asked("another location", on: named, exists, location: LocationID(19), name: Fixture.name),
        asked("another type", on: named, exists, type: InstanceTypeID(41), name: Fixture.name),
        asked("another name", on: named, exists, name: "rack-8"),
        asked("a name where there is none", on: nameless, exists, name: Fixture.name),
      ]
    }

  /// "→ the given state", of a server that is not known and of one that was decommissioned.
  private static let given: [CellCase] = [nil, Fixture.server(.decommissioned)].flatMap { server in
    plain(server) + tenancies(server)
  }

  private static let location = LocationID(20)
  private static let type = InstanceTypeID(42)

  private static func enrolled(
    _ about: String, after server: Server?, _ wanted: EnrolledState, to state: ServerState,
    allocation: AllocationChange = .none, since: Timestamp? = nil, commitRows: Set<QuotaKey> = []
  ) -> CellCase {
    let version = (server?.version ?? 0) + 1
    let after = Server(
      id: Fixture.serverID, version: version, enrolledAtVersion: version, name: "rack-9", locationID: location,
      instanceTypeID: type, state: state, previousState: server.map { _ in .decommissioned }, reason: "imported",
      changedAt: Fixture.now)
    let enrollment = Enrollment(
      locationID: location, instanceTypeID: type, name: "rack-9", state: wanted, reason: "imported", since: since)
    return CellCase(
      about, .enroll(enrollment), on: server, commitRows: commitRows,
      .applied(Transition(server: after, event: .enrolled, allocation: allocation)))
  }

  private static func plain(_ server: Server?) -> [CellCase] {
    [
      enrolled("new", after: server, .new, to: .new),
      enrolled("backToBaseline", after: server, .backToBaseline, to: .backToBaseline(baselineID: Fixture.freshID)),
      enrolled("available", after: server, .available, to: .available),
      enrolled(
        "available since", after: server, .available, to: .available, since: Fixture.changedAt - .seconds(86_400)),
      enrolled("quarantined", after: server, .quarantined(nil), to: Fixture.quarantined([nil], held: .new)),
    ]
      + SubState.allCases.map {
        enrolled(
          "isolated, \($0)", after: server, .isolated($0), to: .isolated(Isolation(subState: $0, reason: "imported")))
      }
  }

  /// With a client: charged to `quotaType`, else to the commit row where there is one, else on-demand.
  private static func tenancies(_ server: Server?) -> [CellCase] {
    let contract = ContractID("C-7")!
    let row = QuotaKey(clientID: Fixture.owner, contractID: contract, locationID: location, instanceTypeID: type)
    let otherRow = QuotaKey(
      clientID: Fixture.stranger, contractID: contract, locationID: location, instanceTypeID: type)
    let since = Fixture.changedAt - .seconds(900_000)
    let cases: [(String, Tenancy, Set<QuotaKey>, QuotaType)] = [
      ("no contract", Tenancy(clientID: Fixture.owner), [row], .onDemand),
      ("a contract without a row", Tenancy(clientID: Fixture.owner, contractID: contract), [otherRow], .onDemand),
      ("a contract with a row", Tenancy(clientID: Fixture.owner, contractID: contract), [row], .commit),
      (
        "commit, without a row", Tenancy(clientID: Fixture.owner, contractID: contract, quotaType: .commit), [],
        .commit
      ),
      (
        "onDemand, with a row", Tenancy(clientID: Fixture.owner, contractID: contract, quotaType: .onDemand), [row],
        .onDemand
      ),
    ]
    return cases.flatMap { about, tenancy, rows, quotaType in
      [nil, since].flatMap { since -> [CellCase] in
        let begun = Allocation(
          id: Fixture.freshID, serverID: Fixture.serverID, clientID: Fixture.owner, contractID: tenancy.contractID,
          quotaType: quotaType, locationID: location, instanceTypeID: type, startedAt: since ?? Fixture.now)
        return [
          enrolled(
            "allocated, \(about)", after: server, .allocated(tenancy), to: .allocated(begun),
            allocation: .began(begun), since: since, commitRows: rows),
          enrolled(
            "quarantined while allocated, \(about)", after: server, .quarantined(tenancy),
            to: Fixture.quarantined([nil], held: .allocated(begun)), allocation: .began(begun), since: since,
            commitRows: rows),
        ]
      }
    }
  }
}
