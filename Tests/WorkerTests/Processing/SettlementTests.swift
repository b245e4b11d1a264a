import Lifecycle
import Store
import TestSupport
import Testing
import Worker

/// What each outcome leaves in the store (contract section 4).
@Suite struct SettlementTests {
  private let onDemand = QuotaKey(
    clientID: ClientID(7), locationID: LocationID(18), instanceTypeID: InstanceTypeID(126))

  @Test("An applied command leaves state, history, quota use, dedup row and event, all telling the same")
  func applied() async throws {
    let desk = try await Desk()
    try await desk.each(.enroll(1), .quota(7))
    _ = try await desk.newEvents()
    let order = Order.allocate(7, op: 1)
    let result = try await desk.run(order)

    let server = try #require(try await desk.server(1))
    let allocation = try #require(server.state.liveAllocation)
    #expect(server.version == 2)
    #expect(server.state.name == .allocated)
    #expect(allocation.clientID == ClientID(7))

    let events = try await desk.newEvents()
    let event = try #require(events.first)
    #expect(events.count == 1)
    #expect(event.routingKey == "server.allocated.allocated.18")
    #expect(event.json.type == "ostler.server.allocated.v1")
    #expect(event.source == "/servers/1")
    #expect(event.json.subject == "1")
    #expect(event.json.sequence == "00000000000000000002")
    #expect(event.data.version == 2)
    #expect(event.data.allocation.id == .text(allocation.id.description))
    #expect(event.data.operationUuid == .text(Order.uuid(1)))

    let entry = try #require(try await desk.history(1).last)
    #expect(entry.happening == .changed(.allocated))
    #expect(entry.position == event.position)
    #expect(entry.version == 2)
    #expect(try JSONNode(entry.data ?? []) == event.data)

    let record = try #require(try await desk.attempts(of: order).first)
    #expect(record.outcome == .applied)
    #expect(record.serverID == ServerID(1))
    #expect(record.serverVersion == 2)
    #expect(record.eventPosition == event.position)

    #expect(try await desk.use(onDemand) == 1)
    #expect(result.events.map(\.position) == [event.position])
    #expect(result.settled.count == 1)
    #expect(result.tally.decided == [.init(command: .allocate, outcome: .applied): 1])
    #expect(try await desk.letters().isEmpty)
  }

  @Test("An ended allocation frees the quota, in the same transaction")
  func freed() async throws {
    let desk = try await Desk()
    try await desk.each(.enroll(1), .quota(7, 1), .allocate(7, op: 1))
    #expect(try await desk.use(onDemand) == 1)
    let result = try await desk.run(
      .allocate(7, op: 2), .deallocate(1, 7, op: 3), .available(1, op: 4), .allocate(7, op: 5))
    #expect(result.tally.rejections == [.quotaExceeded: 1])
    #expect(try await desk.use(onDemand) == 1)
    #expect(try await desk.server(1)?.version == 5)
  }

  @Test("An unchanged command leaves a dedup row and an event of its own, and no version")
  func unchanged() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1))
    _ = try await desk.newEvents()
    let order = Order.unisolate(1, op: 1)
    let result = try await desk.run(order)
    let events = try await desk.newEvents()
    #expect(events.map(\.routingKey) == ["command.unisolate.unchanged"])
    #expect(events[0].source == "/commands/unisolate")
    #expect(events[0].sequence == nil)
    #expect(events[0].data.serverId == 1)
    let record = try #require(try await desk.attempts(of: order).first)
    #expect(record.outcome == .unchanged)
    #expect(record.serverVersion == 1)
    #expect(try await desk.history(1).count == 1)
    #expect(try await desk.server(1)?.version == 1)
    #expect(result.tally.decided == [.init(command: .unisolate, outcome: .unchanged): 1])
  }

  @Test("A rejected command leaves a dedup row, an event and a letter with the exact bytes that point at one another")
  func rejected() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1, "new"))
    _ = try await desk.newEvents()
    let order = Order.available(1, op: 1).messageID("m-1")
    let result = try await desk.run(order)
    let event = try #require(try await desk.newEvents().first)
    let letter = try #require(try await desk.letters().first)
    #expect(event.routingKey == "command.available.rejected")
    #expect(event.data.error.code == "not-in-baseline")
    #expect(event.data.deadLetterId == .text(letter.id.description))
    #expect(event.data.keys.isDisjoint(with: ["body", "bodyBase64"]))
    #expect(letter.body == order.body)
    #expect(letter.state == .open)
    #expect(letter.code == .notInBaseline)
    #expect(letter.queue == "server.commands.available")
    #expect(letter.routingKey == "available")
    #expect(letter.count == 1)
    #expect(letter.operation == Order.uuid(1))
    let record = try #require(try await desk.attempts(of: order).first)
    #expect(record.outcome == .rejected)
    #expect(record.deadLetterID == letter.id)
    #expect(record.eventPosition == event.position)
    #expect(try await desk.history(1).count == 1, "not quarantined: no line in its history")
    #expect(result.tally.rejections == [.notInBaseline: 1])
    #expect(result.settled.count == 1)
  }

  @Test("What is refused because the server is quarantined stands in its history, with the position of its event")
  func rejectedWhileQuarantined() async throws {
    let desk = try await Desk()
    try await desk.each(.enroll(1), .quarantine(1))
    _ = try await desk.newEvents()
    try await desk.run(.isolate(1, op: 1))
    let event = try #require(try await desk.newEvents().first)
    let entry = try #require(try await desk.history(1).last)
    #expect(entry.happening == .rejected(.serverQuarantined))
    #expect(entry.position == event.position)
    #expect(entry.version == 2)
    #expect(entry.command == .isolate)
    #expect(entry.data == nil)
    // A line beside the change of the same version, more than once.
    try await desk.run(.isolate(1, op: 2))
    #expect(try await desk.history(1).count == 4)
  }

  @Test("A rejected command never undoes its neighbours in the batch")
  func neighbours() async throws {
    let desk = try await Desk()
    let result = try await desk.run(
      .enroll(1, op: 1), .enroll(1, "new", op: 2).with(#""name":"other""#), .isolate(1, op: 3), .available(1, op: 4),
      .unisolate(1, op: 5), Order(.isolate, #""serverId":1,"subState":"nonsense""#, operation: 6), .available(1, op: 7))
    #expect(result.settled.count == 7)
    #expect(result.tally.rejections == [.serverExists: 1, .notInBaseline: 1, .invalidField: 1])
    #expect(try await desk.server(1)?.version == 4)
    #expect(try await desk.server(1)?.state.name == .available)
    #expect(try await desk.letters().count == 3)
    let versions = try await desk.newEvents().compactMap(\.sequence)
    #expect(versions == [1, 2, 3, 4])
  }

  @Test("Quota rows: set, the same again, removed, removed again")
  func quotas() async throws {
    let desk = try await Desk()
    let remove = Order(.setQuota, #""clientId":7,"locationId":18,"instanceTypeId":126,"limit":null"#)
    try await desk.each(.quota(7, 5), .quota(7, 5), .quota(7, 6), remove, remove)
    let events = try await desk.newEvents()
    #expect(
      events.map(\.routingKey) == [
        "quota.set.7", "command.set-quota.unchanged", "quota.set.7", "quota.removed.7", "command.set-quota.unchanged",
      ])
    #expect(events[2].data.oldLimit == 5)
    #expect(events[2].data.newLimit == 6)
    #expect(events[2].source == "/quotas/7")
  }

  @Test("Within a batch quarantine is decided first, whatever stands before it")
  func quarantineFirst() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1), .quota(7))
    _ = try await desk.newEvents()
    let result = try await desk.run(.allocate(7, op: 1), .isolate(1, op: 2), .quarantine(1, op: 3))
    #expect(try await desk.server(1)?.state.name == .quarantined)
    #expect(try await desk.server(1)?.version == 2)
    #expect(result.tally.rejections == [.noCapacity: 1, .serverQuarantined: 1])
    #expect(try await desk.newEvents().first?.name == "quarantined")
    #expect(Set(result.settledTags) == [3, 4, 5])
  }

  @Test("Allocations go to the server that is available longest, in the order of the batch")
  func longestAvailable() async throws {
    let desk = try await Desk()
    try await desk.run(.quota(7), .enroll(3), .enroll(1), .enroll(2))
    try await desk.run(.allocate(7, op: 1), .allocate(7, op: 2), .allocate(7, op: 3))
    #expect(
      try await desk.newEvents().filter { $0.name == "allocated" }.map(\.source) == [
        "/servers/3", "/servers/1", "/servers/2",
      ])
  }

  @Test("Positions are without a gap, and each event has its own id")
  func positions() async throws {
    let desk = try await Desk()
    try await desk.run(.quota(7), .enroll(1), .allocate(7, op: 1), .available(1, op: 2), .quarantine(1))
    try await desk.run(.unisolate(9, op: 4), .isolate(1, op: 5))
    let events = try await desk.newEvents()
    #expect(events.map(\.position) == Array(1...Int64(events.count)))
    #expect(Set(events.map(\.id)).count == events.count)
  }

  @Test("A transaction that fails leaves store and parking lot as they were, and the same batch then goes through")
  func failedTransaction() async throws {
    let desk = try await Desk()
    try await desk.each(.enroll(1), .quota(7), .allocate(7, op: 1))
    try await desk.run(.isolate(1, op: 2))
    #expect(desk.lot.count == 1)
    _ = try await desk.newEvents()
    let batch = [
      desk.intake.receive(desk.delivery(.deallocate(1, 7, op: 3)), from: .commands(.deallocate)),
      desk.intake.receive(desk.delivery(.available(9, op: 4)), from: .commands(.available)),
    ]
    await #expect(throws: StoreError.self) {
      try await desk.process(batch, failing: StoreError(.diskFull, "no space"))
    }
    #expect(desk.lot.count == 1)
    #expect(desk.lot.waiting(for: ServerID(1)).map(\.reason) == [.state])
    #expect(try await desk.server(1)?.version == 2)
    #expect(try await desk.newEvents().isEmpty)
    let result = try await desk.process(batch)
    #expect(result.settled.count == 2)
    #expect(desk.lot.waiting(for: ServerID(1)).isEmpty)
    #expect(desk.lot.waiting(for: ServerID(9)).count == 1)
    #expect(try await desk.server(1)?.state.name == .isolated)
    #expect(try await desk.newEvents().compactMap(\.sequence) == [3, 4])
  }
}
