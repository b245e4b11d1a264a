import Lifecycle
import Store
import TestSupport
import Testing
import Worker

/// Copies, conflicts and later attempts, over the real dedup rows (contract section 2).
@Suite struct DedupTests {
  @Test("Copies within one batch: one event, one change, every copy is answered with the first one's outcome")
  func copiesInOneBatch() async throws {
    let desk = try await Desk()
    try await desk.run(.quota(7), .enroll(1), .enroll(2))
    _ = try await desk.newEvents()
    let order = Order.allocate(7, op: 1).asking()
    let result = try await desk.run(order, order, order)
    let answers = try result.answers()
    #expect(answers.map(\.duplicate) == [false, true, true])
    #expect(Set(answers.map(\.server)).count == 1)
    #expect(Set(answers.map(\.eventIds)).count == 1)
    #expect(Set(answers.map(\.quota)).count == 1)
    #expect(answers[2].quota.used == 1)
    #expect(try await desk.newEvents().count == 1)
    #expect(result.tally.duplicates == [.allocate: 2])
    #expect(result.settled.count == 3)
    #expect(try await desk.attempts(of: order).count == 1)
    #expect(try await desk.server(2)?.state.name == .available)
  }

  @Test("A copy of a rejected command is rejected again, without a second letter or event, whatever has changed since")
  func rejectedStaysRejected() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1, "new"))
    let order = Order.available(1, op: 1).asking()
    let first = try await desk.run(order).answer()
    try await desk.run(.unisolate(1))
    _ = try await desk.newEvents()
    let second = try await desk.run(order).answer()
    #expect(second.outcome == "rejected")
    #expect(second.duplicate == true)
    #expect(second.error == first.error)
    #expect(second.deadLetterId == first.deadLetterId)
    #expect(try await desk.newEvents().isEmpty)
    #expect(try await desk.letters().map(\.count) == [1])
  }

  @Test("The same key with another body: a conflict with its own letter; the first outcome stands")
  func conflict() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1))
    let first = Order.isolate(1, op: 1)
    try await desk.run(first)
    let answer = try await desk.run(.isolate(1, "excluded", op: 1).asking()).answer()
    #expect(answer.outcome == "rejected")
    #expect(answer.error.code == "operation-conflict")
    #expect(answer.duplicate == false)
    #expect(try await desk.server(1)?.version == 2)
    let copy = try await desk.run(first.asking()).answer()
    #expect(copy.outcome == "applied")
    #expect(copy.duplicate == true)
    #expect(try await desk.attempts(of: first).count == 1)
    // The conflict itself took no key: the same conflict again is the same message, hence the same letter.
    #expect(try await desk.letters().map(\.code) == [.operationConflict])
  }

  @Test("A refused message takes no key: corrected under the same operationUuid, it is decided")
  func refusedTakesNoKey() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1))
    let broken = Order(.isolate, #""serverId":1,"subState":"broken""#, operation: 1)
    #expect(try await desk.run(broken.asking()).answer().error.code == "invalid-field")
    #expect(try await desk.run(Order.isolate(1, op: 1).asking()).answer().outcome == "applied")
  }

  @Test("A higher attempt is decided afresh and closes the letters of the earlier ones; a skipped one below is refused")
  func attempts() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1, "new"))
    let order = Order.available(1, op: 1)
    try await desk.run(order)
    try await desk.run(order.attempt(3))
    #expect(try await desk.letters().map(\.state) == [.open, .open])
    try await desk.run(.unisolate(1))
    let applied = try await desk.run(order.attempt(5).asking()).answer()
    #expect(applied.outcome == "applied")
    #expect(try await desk.letters().map(\.state) == [.resolved, .resolved])
    #expect(try await desk.run(order.attempt(4).asking()).answer().error.code == "operation-conflict")
    // Every attempt keeps its own outcome.
    #expect(try await desk.run(order.attempt(3).asking()).answer().outcome == "rejected")
    #expect(try await desk.run(order.attempt(5).asking()).answer().duplicate == true)
  }

  @Test("An allocate that was applied answers every later attempt, and never gives a second server")
  func appliedAllocate() async throws {
    let desk = try await Desk()
    try await desk.run(.quota(7), .enroll(1), .enroll(2))
    let first = try await desk.run(Order.allocate(7, op: 1).asking()).answer()
    let later = try await desk.run(Order.allocate(7, op: 1).attempt(2).asking()).answer()
    #expect(later.duplicate == true)
    #expect(later.server.serverId == first.server.serverId)
    let other = try await desk.run(Order.allocate(8, op: 1).attempt(3).asking()).answer()
    #expect(other.error.code == "operation-conflict")
    #expect(try await desk.server(2)?.state.name == .available)
  }

  @Test("One uuid serves several commands and several servers")
  func oneUUIDManySubjects() async throws {
    let desk = try await Desk()
    let result = try await desk.run(
      .enroll(1, op: 1), .enroll(2, op: 1), .isolate(1, op: 1), .isolate(2, op: 1), .quota(7, 5, op: 1),
      .quota(8, 5, op: 1), .allocate(7, op: 1))
    #expect(result.tally.duplicates.isEmpty)
    #expect(result.tally.rejections == [.noCapacity: 1])
  }

  @Test("Without operationUuid the message-id is the key; without either every copy is decided on its own")
  func messageIDAsKey() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1))
    let keyed = Order.isolate(1).messageID("m-1").asking()
    _ = try await desk.run(keyed)
    try await desk.run(.unisolate(1))
    #expect(try await desk.run(keyed).answer().duplicate == true)
    let keyless = Order.isolate(1)
    try await desk.each(keyless, .unisolate(1), keyless)
    #expect(try await desk.server(1)?.version == 6)
  }

  @Test("The same keyless message rejected twice is one letter, counted twice, and one event")
  func sameMessageTwice() async throws {
    let desk = try await Desk()
    try await desk.run(.enroll(1, "new"))
    let order = Order.available(1)
    try await desk.run(order)
    _ = try await desk.newEvents()
    try await desk.run(order)
    #expect(try await desk.letters().map(\.count) == [2])
    #expect(try await desk.newEvents().isEmpty)
  }

  @Test("A duplicate tells where the server is now when it has moved on")
  func current() async throws {
    let desk = try await Desk()
    let order = Order.enroll(1, op: 1).asking()
    let first = try await desk.run(order).answer()
    #expect(try await desk.run(order).answer().current == .absent)
    try await desk.run(.isolate(1))
    let again = try await desk.run(order).answer()
    #expect(again.server == first.server)
    #expect(again.server.version == 1)
    #expect(again.current.state == "isolated")
    #expect(again.current.version == 2)
    #expect(first.current == .absent)
  }
}
