import Lifecycle
import Testing

@Suite("What holds over any sequence of commands")
struct PropertyTests {
  private static let steps = 10_000

  /// The same twenty walks every time, and a few that nobody has seen yet; a failure names its seed.
  private static let seeds: [UInt64] = Array(1...20) + (0..<4).map { _ in .random(in: 1_000...(.max)) }

  @Test("random walks through a small fleet", arguments: seeds)
  func walk(_ seed: UInt64) {
    var source = CommandSource(seed: seed)
    var world = World()
    var events: Set<ServerEvent> = []
    var codes: Set<RejectionCode> = []
    for step in 0..<Self.steps {
      do {
        guard let decision = try take(&source, &world) else { continue }
        if let event = decision.transition?.event { events.insert(event) }
        if let code = decision.rejection?.code { codes.insert(code) }
      } catch {
        Issue.record("seed \(seed), step \(step): \(error)")
        return
      }
    }
    // A walk that never gets somewhere proves nothing about it.
    #expect(events == Set(ServerEvent.allCases), "seed \(seed)")
    let expected: Set<RejectionCode> = [
      .unknownServer, .serverAllocated, .serverQuarantined, .heldByOtherCase, .serverInService, .notInBaseline,
      .serverExists, .clientMismatch, .unknownAllocation, .alreadyDeallocated, .staleBaseline, .staleVersion,
      .serverDecommissioned, .quotaExceeded, .quotaNotConfigured, .contractUnknown, .noCapacity,
    ]
    #expect(codes == expected, "seed \(seed)")
  }

  /// One step; `nil` where it was a quota.
  private func take(_ source: inout CommandSource, _ world: inout World) throws(Violation) -> Decision? {
    switch source.random.below(100) {
    case 0..<5:
      let (key, limit) = source.quota()
      world.setQuota(key, limit: limit)
      return nil
    case 5..<25:
      return try world.decideAllocate(source.allocate(), now: source.now(), freshID: source.freshID())
    default:
      let id = source.random.pick(World.serverIDs)
      let server = world.server(id)
      let command = source.command(on: server, past: world.past[id] ?? [])
      let decision = try world.decideOnServer(
        command, for: id, ifVersion: source.ifVersion(on: server), now: source.now(), freshID: source.freshID())
      if decision.transition != nil { try secondCopy(of: command, for: id, &source, &world) }
      return decision
    }
  }

  /// A copy of an applied command that comes at once, without a key, changes nothing: every cell it can meet says `=`.
  private func secondCopy(
    of command: ServerCommand, for id: ServerID, _ source: inout CommandSource, _ world: inout World
  ) throws(Violation) {
    let copy = try world.decideOnServer(
      command, for: id, ifVersion: nil, now: source.now(), freshID: source.freshID())
    try require(copy == .unchanged, "a second copy of \(command) is \(copy)")
  }
}
