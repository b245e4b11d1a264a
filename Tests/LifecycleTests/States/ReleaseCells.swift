import Lifecycle

/// ¹ `deallocate` and `compensate`: the owner ends the allocation; for anybody else the past of the server decides.
enum ReleaseCells {
  static let all: [CellCase] = owners + pasts

  enum Verb: String, CaseIterable {
    case deallocate, compensate

    func command(_ client: ClientID, _ allocationID: UUID128? = nil, reason: String? = nil) -> ServerCommand {
      switch self {
      case .deallocate: .deallocate(clientID: client, allocationID: allocationID)
      case .compensate: .compensate(clientID: client, allocationID: allocationID, reason: reason)
      }
    }
    var cause: AllocationEnd.Cause { self == .deallocate ? .deallocate : .compensate }
    var event: ServerEvent { self == .deallocate ? .deallocated : .compensated }
  }

  private static let holds: [String?] = ["case-1", nil]
  private static let frozen = Fixture.quarantined(holds, held: .allocated(Fixture.live))

  /// The owner, with the allocation's id or without.
  private static let owners: [CellCase] = Verb.allCases.flatMap { verb -> [CellCase] in
    let ended = Fixture.live.ended(by: verb.cause, at: Fixture.now)
    let reason = verb == .compensate ? "no network" : nil
    return [nil, Fixture.live.id].flatMap { allocationID -> [CellCase] in
      let given = "owner, allocationId \(allocationID == nil ? "not given" : "current")"
      let command = verb.command(Fixture.owner, allocationID, reason: "no network")
      return [
        .applied(
          given, command, on: Fixture.server(.allocated(Fixture.live)), verb.event,
          to: .backToBaseline(baselineID: Fixture.freshID), allocation: .ended(ended), reason: reason),
        .applied(
          given, command, on: Fixture.server(frozen), verb.event,
          to: Fixture.quarantined(holds, held: .allocationEnded), allocation: .ended(ended),
          reason: reason ?? Fixture.server(frozen).reason),
      ]
    }
  }

  /// Every server that is not the asking client's: of no one, or of the client that is called the owner here.
  private static let servers: [Server] =
    StateName.allCases.map { Fixture.server(Fixture.state($0)) }
    + [.new, .backToBaseline, .allocationEnded, .isolated(Fixture.isolation), .allocated(Fixture.live)].map {
      Fixture.server(Fixture.quarantined(held: $0))
    }

  /// What a client that does not hold the server may have had of it.
  private static let pasts: [CellCase] = servers.flatMap { server in
    Verb.allCases.flatMap { verb in formerClients(verb, server) + others(verb, server) + ownersOfLater(verb, server) }
  }

  private static let me = Fixture.stranger

  /// The running allocation is on record too.
  private static func history(_ server: Server, _ past: [Past]) -> [Past] {
    past + (server.state.liveAllocation.map { [Past($0, atVersion: Fixture.version)] } ?? [])
  }

  /// "= if that client held that server since its last enrolment and the allocation has ended."
  private static func formerClients(_ verb: Verb, _ server: Server) -> [CellCase] {
    let early = Fixture.allocation(0x11, of: me, ended: .deallocate)
    let undone = Fixture.allocation(0x12, of: me, ended: .compensate)
    let cleared = Fixture.allocation(0x13, of: me, ended: .unquarantine)
    let billed: CellCase.Expected = verb == .compensate ? .rejected(.alreadyDeallocated) : .unchanged
    func asked(_ about: String, _ id: UUID128?, _ past: [Allocation], _ expected: CellCase.Expected) -> CellCase {
      CellCase(
        "¹ former client, \(about), \(server.state)", verb.command(me, id), on: server,
        past: history(server, past.map { Past($0) }), expected)
    }
    return [
      asked("ended by deallocate", nil, [early], billed),
      asked("ended by deallocate, by id", early.id, [early], billed),
      asked("ended by compensate", nil, [undone], .unchanged),
      asked("ended by compensate, by id", undone.id, [undone], .unchanged),
      asked("ended by unquarantine", nil, [cleared], .unchanged),
      asked("ended by unquarantine, by id", cleared.id, [cleared], .unchanged),
      asked("the latest was deallocated", nil, [undone, early], billed),
      asked("the latest was compensated", nil, [early, undone], .unchanged),
      asked("an earlier one by id, deallocated", early.id, [early, undone], billed),
      asked("an earlier one by id, compensated", undone.id, [undone, early], .unchanged),
    ]
  }

  /// "✗ client-mismatch if it never did", "one of another client", "none of this server's since its last enrolment".
  private static func others(_ verb: Verb, _ server: Server) -> [CellCase] {
    let theirs = Fixture.allocation(0x21, of: Fixture.owner, ended: .deallocate)
    let before = Fixture.allocation(0x22, of: me, ended: .deallocate)
    let elsewhere = Fixture.allocation(0x23, of: me, on: ServerID(8), ended: .deallocate)
    let earlier = Past(before, atVersion: Fixture.enrolledAtVersion - 1)
    func asked(_ about: String, _ id: UUID128?, _ past: [Past], _ code: RejectionCode) -> CellCase {
      CellCase(
        "¹ \(about), \(server.state)", verb.command(me, id), on: server, past: history(server, past),
        .rejected(code))
    }
    return [
      asked("never held it", nil, [], .clientMismatch),
      asked("never held it, others did", nil, [Past(theirs)], .clientMismatch),
      asked("held it before the last enrolment only", nil, [earlier], .clientMismatch),
      asked("held another server only", nil, [Past(elsewhere)], .clientMismatch),
      asked("an id of nothing", Fixture.uuid(0xDEAD), [], .unknownAllocation),
      asked("an id of an earlier enrolment", before.id, [earlier], .unknownAllocation),
      asked("an id of another server", elsewhere.id, [Past(elsewhere)], .unknownAllocation),
      asked("an id of another client", theirs.id, [Past(theirs)], .clientMismatch),
    ] + (server.state.liveAllocation.map { [asked("the id of the current tenant", $0.id, [], .clientMismatch)] } ?? [])
  }

  /// The owner names an allocation that is not the current one: the current one is not touched.
  private static func ownersOfLater(_ verb: Verb, _ server: Server) -> [CellCase] {
    let early = Fixture.allocation(0x31, of: Fixture.owner, ended: .deallocate)
    let undone = Fixture.allocation(0x32, of: Fixture.owner, ended: .compensate)
    let theirs = Fixture.allocation(0x33, of: me, ended: .deallocate)
    func asked(_ about: String, _ id: UUID128, _ past: [Past], _ expected: CellCase.Expected) -> CellCase {
      CellCase(
        "¹ owner of a later one, \(about), \(server.state)", verb.command(Fixture.owner, id), on: server,
        past: history(server, past), expected)
    }
    return [
      asked(
        "deallocated", early.id, [Past(early)], verb == .compensate ? .rejected(.alreadyDeallocated) : .unchanged),
      asked("compensated", undone.id, [Past(undone)], .unchanged),
      asked("an id of another client", theirs.id, [Past(theirs)], .rejected(.clientMismatch)),
      asked("an id of nothing", Fixture.uuid(0xDEAD), [], .rejected(.unknownAllocation)),
      asked(
        "before the last enrolment", early.id, [Past(early, atVersion: Fixture.enrolledAtVersion - 1)],
        .rejected(.unknownAllocation)),
    ]
  }
}
