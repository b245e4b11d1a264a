import AMQP
import Lifecycle
import Store
import TestSupport
import Testing
import Worker

/// The ids of letters are no secret: whoever may publish a command can claim that it is a replay.
@Suite("Messages that claim to be a replay")
struct ReplayClaimTests {
  /// A letter of a `deallocate` of a server that is not there, which is being replayed.
  private static func replaying(_ desk: Desk, _ order: Order) async throws -> DeadLetter {
    try await desk.run(order)
    desk.monotonic += desk.patience
    _ = try await desk.process([])
    let letter = try #require(try await desk.letters().first)
    try await desk.store.commit(owner: nil) { [now = desk.now] transaction throws(StoreError) in
      _ = try transaction.askReplay(of: letter.id, by: "ann", reason: nil, at: now, maxFailures: nil)
    }
    return letter
  }

  private static func claim(_ letter: DeadLetter, _ order: Order) -> Order {
    var order = order
    order.headers = [ReplayTicket.header: .string(Array("\(letter.id)/1".utf8))]
    return order
  }

  @Test("The same body for another command is forbidden, and the letter goes on being replayed")
  func otherCommand() async throws {
    let desk = try await Desk()
    let letter = try await Self.replaying(desk, .deallocate(5, 7, op: 1))
    try await desk.run(Self.claim(letter, Order(.compensate, #""serverId":5,"clientId":7"#, operation: 1)))
    #expect(try await desk.letters().map(\.state) == [.replaying, .open])
    #expect(try await desk.letters().last?.code == .forbidden)
    try await desk.run(Self.claim(letter, .deallocate(5, 7, op: 1)))
    desk.monotonic += desk.patience
    _ = try await desk.process([])
    let after = try await desk.letters()
    #expect(after.map(\.state) == [.open, .open])
    #expect(after.first?.attempts == 1 && after.first?.code == .unknownServer, "the replay itself was decided")
  }

  @Test("So is the same body under another message-id: its outcome would be kept under another key")
  func otherMessageID() async throws {
    let desk = try await Desk()
    let order = Order.deallocate(5, 7).messageID("key-A")
    let letter = try await Self.replaying(desk, order)
    try await desk.run(Self.claim(letter, order.messageID("key-B")))
    #expect(try await desk.letters().map(\.code) == [.unknownServer, .forbidden])
    #expect(try await desk.letters().first?.state == .replaying)
  }

  @Test("A replay that no queue took opens its letter, and its event says whom it was about")
  func notRouted() async throws {
    let desk = try await Desk()
    let letter = try await Self.replaying(desk, .deallocate(5, 7, op: 1))
    _ = try await desk.newEvents()
    let replay = desk.delivery(Self.claim(letter, .deallocate(5, 7, op: 1)))
    _ = try await desk.process([.deadLettered(replay)])
    let after = try #require(try await desk.letters().first)
    #expect(after.state == .open && after.code == .brokerRejected && after.attempts == 1)
    let event = try #require(try await desk.newEvents().first)
    #expect(event.routingKey == "command.deallocate.deadLettered")
    #expect(event.json.subject == "5")
    #expect(event.json.data.serverId == 5 && event.json.data.clientId == 7)
    #expect(event.json.data.operationUuid == .text(Order.uuid(1)) && event.json.data.replayedBy == "ann")
  }

  @Test("A copy of it that somebody puts into the dead letters is kept as foreign, and ends no replay")
  func foreignCopy() async throws {
    let desk = try await Desk()
    let letter = try await Self.replaying(desk, .deallocate(5, 7, op: 1))
    let copy = desk.delivery(Self.claim(letter, .deallocate(5, 7, op: 1)), exchange: desk.topology.deadLettersExchange)
    _ = try await desk.process([.deadLettered(copy)])
    #expect(try await desk.letters().map(\.state) == [.replaying, .open])
    #expect(try await desk.letters().last?.code == .foreign)
  }

  @Test("A replay over which the process ends again and again: whose it was is told")
  func crashed() async throws {
    let desk = try await Desk()
    let letter = try await Self.replaying(desk, .deallocate(5, 7, op: 1))
    _ = try await desk.newEvents()
    let replay = desk.delivery(Self.claim(letter, .deallocate(5, 7, op: 1)))
    _ = try await desk.process([.crashed(replay, .commands(.deallocate), times: 3)])
    let event = try #require(try await desk.newEvents().first)
    #expect(event.json.data.serverId == 5 && event.json.data.replayedBy == "ann")
    #expect(try await desk.letters().map(\.code) == [.workerCrash])
  }
}

@Suite("What the broker dead-lettered")
struct BrokerDeathTests {
  @Test("A command of ours whose queue is not bound is one that was not routed, and can be replayed as it is")
  func notRouted() async throws {
    let desk = try await Desk()
    _ = try await desk.process([.deadLettered(desk.delivery(.isolate(5, op: 1)))])
    let letter = try #require(try await desk.letters().first)
    #expect(letter.code == .brokerRejected && letter.command == "isolate" && letter.serverID == ServerID(5))
    #expect(letter.message.contains("could not be routed to queue \(desk.topology.commandQueue(.isolate))"))
    #expect(try await desk.newEvents().first?.routingKey == "command.isolate.deadLettered")
  }

  @Test("Only deaths in queues that there are count: a client can write that header")
  func forgedDeath() async throws {
    let desk = try await Desk()
    var order = Order.isolate(5, op: 1)
    let death: FieldTable = [
      "queue": .string(Array("\(desk.topology.commandsExchange).foo".utf8)), "reason": .string(Array("expired".utf8)),
    ]
    order.headers = ["x-death": .array([.table(death)])]
    let delivery = desk.delivery(order, routingKey: "bogus")
    _ = try await desk.process([.deadLettered(delivery)])
    #expect(try await desk.letters().map(\.code) == [.unknownCommand])
  }
}
