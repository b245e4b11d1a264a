import Lifecycle

/// One server, two clients, and the moments and ids that the cases of the state table share.
enum Fixture {
  static let serverID = ServerID(7)
  /// Numbers that appear in nothing else, so that a leak of one into somebody else's refusal is found by its digits.
  static let owner = ClientID(700_001)
  static let stranger = ClientID(800_002)
  static let location = LocationID(18)
  static let type = InstanceTypeID(40)
  static let name = "rack-7"

  static let version: Int64 = 12
  static let enrolledAtVersion: Int64 = 4
  static let changedAt = Timestamp(milliseconds: 1_764_000_000_000)
  static let now = changedAt + .seconds(60)

  static let freshID = uuid(0xF0)
  static let currentRun = uuid(0xB1)
  static let olderRun = uuid(0xB0)
  static let isolation = Isolation(subState: .brokenHardware, reason: "disk 3 is gone")

  static func uuid(_ number: UInt64) -> UUID128 { UUID128(randomHigh: number, randomLow: number) }

  static func allocation(
    _ number: UInt64, of client: ClientID, on server: ServerID = serverID, ended cause: AllocationEnd.Cause? = nil
  ) -> Allocation {
    Allocation(
      id: uuid(number), serverID: server, clientID: client, contractID: ContractID("C-1"), quotaType: .commit,
      locationID: location, instanceTypeID: type, startedAt: changedAt - .seconds(3600),
      end: cause.map { AllocationEnd(at: changedAt - .seconds(60), by: $0) })
  }

  static let live = allocation(0xA1, of: owner)

  static func server(_ state: ServerState, name: String? = name) -> Server {
    Server(
      id: serverID, version: version, enrolledAtVersion: enrolledAtVersion, name: name, locationID: location,
      instanceTypeID: type, state: state, previousState: .new, reason: "what was said last", changedAt: changedAt)
  }

  static func quarantined(_ cases: [String?] = ["case-1"], held: HeldState = .available) -> ServerState {
    .quarantined(Quarantine(holds: cases.map(Hold.init(caseID:)), held: held))
  }

  /// A server in that state, in its plainest form.
  static func state(_ name: StateName) -> ServerState {
    switch name {
    case .new: .new
    case .backToBaseline: .backToBaseline(baselineID: currentRun)
    case .available: .available
    case .allocated: .allocated(live)
    case .isolated: .isolated(isolation)
    case .quarantined: quarantined()
    case .decommissioned: .decommissioned
    }
  }

  /// The server as one more change must leave it.
  static func after(_ server: Server, _ state: ServerState, reason: String? = nil) -> Server {
    var next = server
    next.version = version + 1
    next.previousState = server.state.name
    next.state = state
    next.reason = reason
    next.changedAt = now
    return next
  }
}

/// An allocation that is over or running, and the version of its server at which it began.
struct Past: Hashable, Sendable {
  let allocation: Allocation
  let atVersion: Int64

  init(_ allocation: Allocation, atVersion: Int64 = Fixture.enrolledAtVersion + 1) {
    self.allocation = allocation
    self.atVersion = atVersion
  }
}

/// Looks up what the core asks for, as the documentation of ``Question`` words it. Later entries are later allocations.
func answer(
  _ question: Question?, on server: Server?, past: [Past], commitRows: Set<QuotaKey> = [],
  now: Timestamp = Fixture.now, freshID: UUID128 = Fixture.freshID
) -> Facts {
  func latest(where matches: (Allocation) -> Bool) -> Allocation? {
    guard let server else { return nil }
    return past.last {
      $0.allocation.serverID == server.id && $0.atVersion >= server.enrolledAtVersion && matches($0.allocation)
    }?.allocation
  }
  return switch question {
  case nil: Facts(now: now, freshID: freshID)
  case .allocation(let id)?: Facts(now: now, freshID: freshID, pastAllocation: latest { $0.id == id })
  case .latestAllocation(let client)?:
    Facts(now: now, freshID: freshID, pastAllocation: latest { $0.clientID == client })
  case .commitRow(let key)?: Facts(now: now, freshID: freshID, hasCommitRow: commitRows.contains(key))
  }
}
