import Lifecycle
import Store
import TestSupport
import Testing
import Worker

/// What a sender is told (contract section 4).
@Suite struct ReplyTests {
  @Test("Nobody who did not ask is answered, nor an address of the worker's own")
  func unasked() async throws {
    let desk = try await Desk()
    let result = try await desk.run(
      .enroll(1), Order.enroll(2).asking("server.commands.enroll"), Order.enroll(3).asking("server.dead-letters"),
      Order.enroll(4).asking(""), Order.enroll(5).asking("servers"))
    #expect(result.replies.map(\.address.replyTo) == ["servers"])
  }

  @Test("An answer carries address and correlation-id of its own message")
  func address() async throws {
    let desk = try await Desk()
    let result = try await desk.run(Order.enroll(1).asking("q1", "a"), Order.enroll(2).asking("q2", nil))
    #expect(result.replies.map(\.address.replyTo) == ["q1", "q2"])
    #expect(result.replies.map(\.address.correlationID) == ["a", nil])
  }

  @Test("Applied: the state, the quota row that gave the limit with the allocating client's use, the event")
  func applied() async throws {
    let desk = try await Desk()
    try await desk.each(.quota(0, 3), .enroll(1), .enroll(2), .allocate(7, op: 1))
    _ = try await desk.newEvents()
    let answer = try await desk.run(Order.allocate(7, op: 2).asking()).answer()
    let event = try #require(try await desk.newEvents().first)
    #expect(answer.keys == ["command", "operationUuid", "outcome", "duplicate", "server", "quota", "eventIds"])
    #expect(answer.command == "allocate")
    #expect(answer.operationUuid == .text(Order.uuid(2)))
    #expect(answer.server == event.data)
    #expect(answer.eventIds == [.text(event.id)])
    #expect(answer.quota.keys == ["clientId", "locationId", "instanceTypeId", "quotaType", "limit", "used"])
    #expect(answer.quota.clientId == 0)
    #expect(answer.quota.limit == 3)
    #expect(answer.quota.used == 2)
  }

  @Test("Unchanged: the state as it is, and the event that says so")
  func unchanged() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1))
    let answer = try await desk.run(Order.unisolate(1, op: 1).asking()).answer()
    #expect(answer.keys == ["command", "operationUuid", "outcome", "duplicate", "server", "eventIds"])
    #expect(answer.outcome == "unchanged")
    #expect(answer.server.version == 1)
    #expect(answer.server.command == "enroll")
  }

  @Test("Rejected: the error with code, message, retry and details, and the letter, which counts as answered")
  func rejected() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1, "new"))
    let answer = try await desk.run(Order.available(1, op: 1).asking()).answer()
    let letter = try #require(try await desk.letters().first)
    #expect(answer.keys == ["command", "operationUuid", "outcome", "duplicate", "eventIds", "deadLetterId", "error"])
    #expect(answer.error.keys == ["code", "message", "retry", "details"])
    #expect(answer.error.retry == "after-change")
    #expect(answer.error.details.state == "new")
    #expect(answer.deadLetterId == .text(letter.id.description))
    #expect(letter.state == .answered)
  }

  @Test("A rejection whose answer may not be sent stays open")
  func rejectedWithoutAnAnswer() async throws {
    let desk = try await Desk()
    try await desk.run(Order(.isolate, "").asking("server.events"))
    #expect(try await desk.letters().map(\.state) == [.open])
  }

  @Test("A refused message is answered too, naming path, kind and what is allowed")
  func refused() async throws {
    let desk = try await Desk()
    let order = Order(.isolate, #""serverId":1,"subState":"x""#, operation: 1).asking()
    let answer = try await desk.run(order).answer()
    #expect(answer.error.code == "invalid-field")
    #expect(answer.error.retry == "never")
    #expect(answer.error.details.path == "subState")
    #expect(answer.error.details.kind == "string")
    #expect(answer.operationUuid == .text(Order.uuid(1)))
  }

  @Test("No capacity is to be tried later, and tells of the row, its limit and its use")
  func noCapacity() async throws {
    let desk = try await Desk()
    try await desk.each(.quota(7, 2), .enroll(1), .allocate(7, op: 1))
    let answer = try await desk.run(Order.allocate(7, op: 2).asking()).answer()
    #expect(answer.error.code == "no-capacity")
    #expect(answer.error.retry == "later")
    #expect(answer.error.details.limit == 2)
    #expect(answer.error.details.used == 1)
  }
}
