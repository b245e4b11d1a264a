import Lifecycle
import Store
import TestSupport
import Testing
import Worker

/// Commands that overtook one another (contract section 3, "Parking"), decided over the real store.
@Suite struct ParkingDecisionTests {
  @Test("A command for an unknown server waits, is settled by the enroll, and its answer comes with that batch")
  func enrollUnparks() async throws {
    let desk = try await Desk()
    let parked = try await desk.run(.isolate(1, op: 1).asking())
    #expect(parked.settled.isEmpty)
    #expect(parked.replies.isEmpty)
    #expect(parked.events.isEmpty)
    #expect(desk.lot.count == 1)
    let result = try await desk.run(.enroll(1, op: 2))
    #expect(result.settledTags.sorted() == [1, 2])
    #expect(try result.answer().outcome == "applied")
    #expect(desk.lot.isEmpty)
    #expect(try await desk.newEvents().map(\.name) == ["enrolled", "isolated"])
  }

  @Test("In one batch: overtaken by its enroll, it is settled in that batch")
  func withinOneBatch() async throws {
    let desk = try await Desk()
    let result = try await desk.run(.isolate(1, op: 1), .unisolate(1, op: 2), .available(1, op: 3), .enroll(1, op: 4))
    #expect(result.settled.count == 4)
    #expect(try await desk.newEvents().map(\.name) == ["enrolled", "isolated", "unisolated", "available"])
  }

  @Test("Later commands for that server wait behind in the order of arrival; those for others do not")
  func behind() async throws {
    let desk = try await Desk()
    try await desk.run(.quota(7), .enroll(1), .enroll(2), .allocate(7, op: 1))
    let result = try await desk.run(.isolate(1, op: 2), .unisolate(1, op: 3), .available(1, op: 4), .isolate(2, op: 5))
    #expect(result.settled.count == 1)
    #expect(desk.lot.waiting(for: ServerID(1)).map(\.reason) == [.state, .behind, .behind])
    _ = try await desk.newEvents()
    try await desk.run(.deallocate(1, 7, op: 6))
    #expect(try await desk.newEvents().map(\.name) == ["deallocated", "isolated", "unisolated", "available"])
    #expect(desk.lot.isEmpty)
  }

  @Test(
    "enroll, deallocate, compensate and quarantine go past what is parked",
    arguments: [
      Order.enroll(1, "new"), .deallocate(1, 8), Order(.compensate, #""serverId":1,"clientId":8"#), .quarantine(1),
    ])
  func exempt(order: Order) async throws {
    let desk = try await Desk()
    try await desk.each(.quota(7), .enroll(1), .allocate(7, op: 1), .isolate(1, op: 2))
    #expect(desk.lot.count == 1)
    let result = try await desk.run(order)
    #expect(result.settledTags.contains(5))
  }

  @Test("A quarantine settles what waits for the server: it is refused with the true reason")
  func quarantineSettlesParked() async throws {
    let desk = try await Desk()
    try await desk.each(.quota(7), .enroll(1), .allocate(7, op: 1), .isolate(1, op: 2), .unisolate(1, op: 3))
    let result = try await desk.run(.quarantine(1, op: 4))
    #expect(result.settled.count == 3)
    #expect(result.tally.rejections == [.serverQuarantined: 2])
    #expect(desk.lot.isEmpty)
  }

  @Test("Nothing waits behind a command that is parked for its ifVersion alone")
  func ifVersionBlocksNobody() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1))
    let early = try await desk.run(.unisolate(1, op: 1).with(#""ifVersion":2"#))
    #expect(early.settled.isEmpty)
    #expect(desk.lot.waiting(for: ServerID(1)).map(\.reason) == [.version])
    _ = try await desk.newEvents()
    let result = try await desk.run(.isolate(1, op: 2))
    #expect(result.settled.count == 2)
    #expect(try await desk.newEvents().map(\.name) == ["isolated", "unisolated"])
  }

  @Test("An ifVersion below the server's is refused at once; one that never comes is refused when patience is over")
  func staleVersion() async throws {
    let desk = try await Desk()
    try await desk.each(.enroll(1), .isolate(1))
    let late = try await desk.run(.unisolate(1, op: 1).with(#""ifVersion":1"#).asking())
    #expect(try late.answer().error.code == "stale-version")
    try await desk.run(.unisolate(1, op: 2).with(#""ifVersion":9"#).asking())
    #expect(desk.lot.count == 1)
    desk.monotonic = .seconds(30)
    #expect(try await desk.run().answer().error.code == "stale-version")
  }

  @Test("When patience is over the command is refused with what is true now, and those behind are decided after it")
  func patience() async throws {
    let desk = try await Desk()
    try await desk.each(.quota(7), .enroll(1), .allocate(7, op: 1))
    desk.monotonic = .seconds(10)
    try await desk.run(.isolate(1, op: 2))
    desk.monotonic = .seconds(20)
    try await desk.run(.unisolate(1, op: 3))
    #expect(desk.lot.nextDeadline == .seconds(40))
    desk.monotonic = .milliseconds(39_999)
    #expect(try await desk.run().settled.isEmpty)
    desk.monotonic = .seconds(40)
    let result = try await desk.run()
    #expect(result.tally.rejections == [.serverAllocated: 1])
    #expect(result.tally.decided[.init(command: .unisolate, outcome: .unchanged)] == 1)
    #expect(desk.lot.isEmpty)
  }

  @Test("A jump of the wall clock ends nobody's patience")
  func wallClockJump() async throws {
    let desk = try await Desk()
    try await desk.run(.isolate(1, op: 1))
    desk.now = desk.now + .seconds(86_400)
    #expect(try await desk.run().settled.isEmpty)
    #expect(desk.lot.count == 1)
  }

  @Test("A command that finds its queue's lot full is decided at once, after those parked for that server, in order")
  func fullLot() async throws {
    let desk = try await Desk(parkingLimit: 2)
    try await desk.each(.quota(7), .enroll(1), .allocate(7, op: 1))
    try await desk.run(.isolate(1, op: 2), .isolate(2, op: 3), .unisolate(1, op: 4))
    #expect(desk.lot.count == 3)
    _ = try await desk.newEvents()
    let result = try await desk.run(.isolate(1, "excluded", op: 5))
    #expect(result.settledTags == [4, 6, 7])
    #expect(try await desk.newEvents().map(\.data.operationUuid) == [2, 4, 5].map { .text(Order.uuid($0)) })
    #expect(desk.lot.count == 1, "the one for the other server stays")
    #expect(desk.lot.hasRoom(in: .isolate))
  }

  @Test("With a limit of 0 nothing is parked")
  func noLot() async throws {
    let desk = try await Desk(parkingLimit: 0)
    let result = try await desk.run(.isolate(1, op: 1).asking())
    #expect(try result.answer().error.code == "unknown-server")
  }

  @Test("A copy of a decided command is answered at once while another one is parked for its server")
  func copyWhileParked() async throws {
    let desk = try await Desk()
    let decided = Order.isolate(1, op: 10)
    try await desk.each(
      .quota(7), .enroll(1), decided, .unisolate(1, op: 11), .available(1, op: 12), .allocate(7, op: 13))
    try await desk.run(.isolate(1, op: 14))
    #expect(desk.lot.count == 1)
    let answer = try await desk.run(decided.asking()).answer()
    #expect(answer.duplicate == true)
    #expect(answer.outcome == "applied")
    #expect(desk.lot.count == 1)
  }

  @Test("Two copies of a command that waits: both wait, the second is a duplicate of the first")
  func copiesBothParked() async throws {
    let desk = try await Desk()
    try await desk.run(.isolate(1, op: 1).asking(), .isolate(1, op: 1).asking())
    #expect(desk.lot.count == 2)
    let answers = try await desk.run(.enroll(1, op: 2)).answers()
    #expect(answers.map(\.duplicate) == [false, true])
    #expect(try await desk.server(1)?.version == 2)
  }

  @Test("A notAfter that passes while it is parked: expired when un-parked, not applied")
  func notAfterWhileParked() async throws {
    let desk = try await Desk()
    let limit = (desk.now + .seconds(5)).description
    try await desk.run(.isolate(1, op: 1).with(#""notAfter":"\#(limit)""#).asking())
    #expect(desk.lot.count == 1)
    desk.now = desk.now + .seconds(6)
    let answer = try await desk.run(.enroll(1, op: 2)).answer()
    #expect(answer.error.code == "expired")
    #expect(try await desk.server(1)?.state.name == .available)
  }

  @Test("A notAfter that has passed already is refused and not parked; at that very moment it is not yet passed")
  func notAfterPassed() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1))
    let now = desk.now.description
    #expect(
      try await desk.run(.isolate(1, op: 1).with(#""notAfter":"\#(now)""#).asking()).answer().outcome == "applied")
    let past = (desk.now - .milliseconds(1)).description
    let late = try await desk.run(.isolate(9, op: 2).with(#""notAfter":"\#(past)""#).asking()).answer()
    #expect(late.error.code == "expired")
    #expect(desk.lot.isEmpty)
  }

  /// Whatever is parked and whichever batch boundaries fall where: the same story comes out.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func anySplitIntoBatchesTellsTheSameStory(seed: UInt64) async throws {
    var random = SplitMix64(state: seed)
    // Each server's commands come in order, except that enroll comes at a random place.
    let servers: [Int64] = [1, 2, 3]
    var lanes: [[Order]] = servers.map { id in
      let op = UInt64(id) * 100
      return [
        .isolate(id, op: op + 1), .unisolate(id, op: op + 2), .available(id, op: op + 3), .decommission(id, op: op + 4),
      ]
    }
    for index in lanes.indices {
      lanes[index].insert(.enroll(servers[index], op: 1000 + UInt64(index)), at: .random(in: 0...4, using: &random))
    }
    var orders: [Order] = []
    while let lane = lanes.indices.filter({ !lanes[$0].isEmpty }).randomElement(using: &random) {
      orders.append(lanes[lane].removeFirst())
    }
    let desk = try await Desk()
    var rest = orders[...]
    var settled: Set<UInt64> = []
    while !rest.isEmpty {
      let batch = rest.prefix(.random(in: 1...6, using: &random))
      rest = rest.dropFirst(batch.count)
      let result = try await desk.process(
        batch.map { desk.intake.receive(desk.delivery($0), from: .commands($0.command)) })
      for tag in result.settledTags { #expect(settled.insert(tag).inserted, "seed \(seed): settled twice") }
    }
    #expect(desk.lot.isEmpty, "seed \(seed)")
    #expect(settled.count == orders.count, "seed \(seed)")
    for id in servers {
      #expect(
        try await desk.history(id).map(\.happening)
          == [.enrolled, .isolated, .unisolated, .available, .decommissioned].map { .changed($0) }, "seed \(seed)")
    }
  }
}
