import Lifecycle

/// Random commands, most of them plausible for the server as it is, some of them late, wrong or somebody else's.
struct CommandSource {
  var random: SeededRandom
  private var clock = Timestamp(milliseconds: 1_764_000_000_000)

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  /// A clock that mostly goes on and sometimes jumps, in either direction.
  mutating func now() -> Timestamp {
    let step = random.chance(5) ? random.below(7_200_000) - 3_600_000 : random.below(2000)
    clock = clock + .milliseconds(step)
    return clock
  }

  mutating func freshID() -> UUID128 { UUID128(randomHigh: random.next(), randomLow: random.next()) }

  mutating func ifVersion(on server: Server?) -> Int64? {
    guard let server, random.chance(15) else { return nil }
    return max(1, server.version + Int64(random.below(5)) - 2)
  }

  mutating func allocate() -> AllocateRequest {
    AllocateRequest(
      locationID: random.pick(World.locations), instanceTypeID: random.pick(World.types),
      clientID: random.pick(World.clients), contractID: random.chance(50) ? random.pick(World.contracts) : nil,
      overflow: random.chance(50))
  }

  mutating func quota() -> (QuotaKey, limit: Int?) {
    let client = random.pick(World.clients)
    let owner = random.chance(40) ? ClientID.nobody : client
    let (location, type) = (random.pick(World.locations), random.pick(World.types))
    let key =
      switch random.below(10) {
      case 0: QuotaKey(clientID: owner, locationID: .any, instanceTypeID: .any)
      case 1: QuotaKey(clientID: owner, locationID: location, instanceTypeID: .any)
      case 2, 3, 4, 5: QuotaKey(clientID: owner, locationID: location, instanceTypeID: type)
      default:
        QuotaKey(
          clientID: client, contractID: random.pick(World.contracts), locationID: location, instanceTypeID: type)
      }
    return (key, random.chance(15) ? nil : random.below(4))
  }

  mutating func command(on server: Server?, past: [Past]) -> ServerCommand {
    switch random.below(100) {
    case 0..<14: return .deallocate(clientID: client(of: server), allocationID: allocationID(server, past))
    case 14..<24:
      return .compensate(clientID: client(of: server), allocationID: allocationID(server, past), reason: reason())
    case 24..<32:
      let isolation = Isolation(subState: random.pick(SubState.allCases), reason: reason())
      return .isolate(isolation, baselineID: baselineID(server))
    case 32..<40: return .unisolate
    case 40..<64: return .available(baselineID: baselineID(server))
    case 64..<72: return .quarantine(caseID: caseID(), reason: reason())
    case 72..<86: return .unquarantine(random.pick(UnquarantineOutcome.allCases), caseID: caseID(), reason: "r")
    case 86..<93: return .enroll(enrollment(server))
    case 93..<97:
      return .reclassify(
        Reclassification(
          locationID: random.chance(50) ? random.pick(World.locations) : nil,
          instanceTypeID: random.chance(50) ? random.pick(World.types) : nil, name: name(), reason: reason()))
    default: return .decommission(reason: reason())
    }
  }

  private mutating func client(of server: Server?) -> ClientID {
    guard let live = server?.state.liveAllocation, random.chance(60) else { return random.pick(World.clients) }
    return live.clientID
  }

  private mutating func allocationID(_ server: Server?, _ past: [Past]) -> UUID128? {
    switch random.below(5) {
    case 0: server?.state.liveAllocation?.id
    case 1: past.isEmpty ? freshID() : past[random.below(past.count)].allocation.id
    case 2: random.chance(10) ? freshID() : nil
    default: nil
    }
  }

  private mutating func baselineID(_ server: Server?) -> UUID128? {
    if random.chance(10) { return freshID() }
    if case .backToBaseline(let run)? = server?.state, random.chance(50) { return run }
    return nil
  }

  private mutating func caseID() -> String? { random.pick(["a", "b", nil]) }
  private mutating func reason() -> String? { random.pick(["r", "s", nil]) }
  private mutating func name() -> String? { random.pick(["x", "y", nil]) }

  private mutating func enrollment(_ server: Server?) -> Enrollment {
    let quotaType: QuotaType? = random.pick([nil, nil, .commit, .onDemand])
    let contract: ContractID? =
      quotaType == .commit || random.chance(50) ? random.pick(World.contracts) : nil
    let tenancy = Tenancy(clientID: random.pick(World.clients), contractID: contract, quotaType: quotaType)
    let state: EnrolledState = random.pick([
      .new, .backToBaseline, .available, .available, .allocated(tenancy), .isolated(random.pick(SubState.allCases)),
      .quarantined(nil), .quarantined(tenancy),
    ])
    return Enrollment(
      locationID: random.pick(World.locations), instanceTypeID: random.pick(World.types), name: name(), state: state,
      reason: reason())
  }
}
