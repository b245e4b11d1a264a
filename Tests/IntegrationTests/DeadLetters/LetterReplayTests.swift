import AMQP
import Foundation
import Lifecycle
import Store
import Testing
import TestSupport
import Worker

@Suite("Replaying dead letters", .serialized)
struct LetterReplayTests {
  @Test("Five kinds of letters: the cause in two commands, a fix, a dry run, the first few, the rest at a rate")
  func operatorsScript() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.done("send enroll --server 1 --location 18 --type 126 --state available")
      try await fleet.done("send set-quota --client 7 --location 18 --type 126 --limit 1")
      var orders: [Order] = []
      for number in 0..<20 as Range<UInt64> {
        orders.append(.isolate(Int64(1000 + number), op: 100 + number))
        orders.append(.allocate(9, op: 200 + number).with(#""notAfter":"2100-01-01T00:00:00Z""#))
        orders.append(Order(.isolate, #""serverId":"x""#, operation: 300 + number))
        orders.append(.allocate(7, op: 400 + number))
        orders.append(.available(2000 + Int64(number % 4), op: 500 + number))
      }
      try await fleet.publish(orders)
      // One allocate of client 7 is applied.
      try await fleet.letters(count: 99)

      let groups = try await fleet.done("dead-letters")
      for part in ["40", "unknown-server", "quota-not-configured", "invalid-field", "quota-exceeded", "enroll"] {
        #expect(groups.output.contains(part), "\(part) is not in \(groups.output)")
      }
      let byCode = try await fleet.letters("--by code")
      #expect(byCode.map(\.code.text) == ["unknown-server", "invalid-field", "quota-not-configured", "quota-exceeded"])
      #expect(byCode.map(\.count.integer) == [40, 20, 20, 19])
      #expect(try await fleet.letters("--by server --code unknown-server").first?.serverId == 2000)

      for server in Array(1000..<1020) + [2000, 2001] { try await fleet.publish([.enroll(Int64(server), "new")]) }
      // Of one queue: the last is decided last.
      try await eventually("the fix is in") { try await fleet.version(of: 2001) == 1 }
      let forecast = try await fleet.done("dl replay --code unknown-server --dry-run --json")
      let would = try forecast.lines.map { try JSONNode(Array($0.utf8)) }
      #expect(would.count == 40)
      #expect(would.count { $0.would == "apply" && $0.command == "isolate" } == 20)
      #expect(would.count { $0.would == "reject" && $0.wouldCode == "not-in-baseline" } == 10)
      #expect(would.count { $0.would == "reject" && $0.wouldCode == "unknown-server" } == 10)
      #expect(try await fleet.letters("--code unknown-server").count == 40, "a dry run changes nothing")

      let first = try await fleet.done(
        "dl replay --code unknown-server --command isolate --first 3 --wait --reason first")
      #expect(first.output.contains("3 followed: 3 applied"), "\(first.output)")
      let rest = try await fleet.bench.ostler(
        "dl", "replay", "--code", "unknown-server", "--rate", "200", "--wait", "--reason", "rest")
      #expect(rest.status == 1, "some are rejected again")
      #expect(rest.output.contains("37 replays asked for"), "\(rest.output)")
      for part in ["17 applied", "20 rejected again (10 not-in-baseline, 10 unknown-server)"] {
        #expect(rest.output.contains(part), "\(part) is not in \(rest.output)")
      }
      // Every command is in exactly one final state.
      #expect(try await fleet.letters("--state resolved").count == 20)
      #expect(try await fleet.letters().count == 79)
      for server in 1000..<1020 { #expect(try await fleet.version(of: Int64(server)) == 2) }
      let trail = try await fleet.bench.ostler("dl", "audit", "--json").objects()
      #expect(trail.count == 40)
      #expect(trail.count { $0["result"] as? String == "applied" && $0["reason"] as? String == "first" } == 3)
      #expect(trail.allSatisfy { $0["who"] is String && $0["action"] as? String == "replay" })
    }
  }

  @Test("What a filter leaves out: answered letters, and allocates that nobody may be waiting for")
  func leftOut() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish([
        .allocate(9, op: 1), .allocate(9, op: 2).with(#""notAfter":"2100-01-01T00:00:00Z""#),
        .allocate(9, op: 3).with(#""notAfter":null"#), .isolate(5, op: 4), .isolate(6, op: 5).asking("nowhere"),
      ])
      try await fleet.letters("--state open --state answered", count: 5)
      let listed = try await fleet.letters()
      #expect(listed.count == 4)
      let replayed = try await fleet.bench.ostler("dl", "replay", "--all", "--wait", "--json")
      #expect(replayed.status == 1)
      #expect(replayed.lines.count == 2)
      #expect(replayed.complaints.contains("left out: 2, allocate without notAfter"), "\(replayed.complaints)")
      #expect(try await fleet.letters("--state answered").first?.attempts == 0, "answered ones only when asked for")
      let all = try await fleet.bench.ostler(
        "dl", "replay", "--command", "allocate", "--include-allocate", "--wait", "--json")
      #expect(all.lines.count == 3)
      let answered = try await fleet.bench.ostler("dl", "replay", "--state", "answered", "--wait")
      #expect(answered.output.contains("1 rejected again (1 unknown-server)"), "\(answered.output)")
      #expect(try await fleet.letters("--server 6").first?.state == "open")
    }
  }

  @Test("Discarding takes open letters; answered ones where they are asked for")
  func discards() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish([
        .isolate(5, op: 1), .isolate(6, op: 2), .isolate(7, op: 3).asking("nowhere"),
        .isolate(8, op: 4).asking("nowhere"),
      ])
      try await fleet.letters("--state open --state answered", count: 4)
      let all = try await fleet.done("dl discard --all --reason over")
      #expect(all.output == "2 discarded\n")
      let left = try await fleet.letters("--state answered")
      #expect(left.count == 2)
      let id = try #require(left.first?.id.text)
      #expect(try await fleet.done("dl discard \(id) --reason 'by name'").output == "1 discarded\n")
      #expect(try await fleet.done("dl discard --state answered --reason asked").output == "1 discarded\n")
      let none = try await fleet.bench.ostler("dl", "discard", "--all", "--reason", "over")
      #expect(none.status == 1 && none.complaints.contains("no dead letters match"), "\(none.complaints)")
      #expect(try await fleet.letters("--state discarded").count == 4)
    }
  }

  @Test("A replay that fails again is the same letter, one attempt more; after maxReplays only --force goes on")
  func failsAgain() async throws {
    try await Fleet.atWork(Fleet.quick.merging(["OSTLER_DEAD_LETTERS_MAX_REPLAYS": "2"]) { $1 }) { fleet in
      try await fleet.publish([.isolate(5, op: 1)])
      let id = try #require(try await fleet.letters(count: 1).first?.id.text)
      for attempt in 1...2 {
        let again = try await fleet.bench.ostler("dl", "replay", String(id.prefix(8)), "--wait")
        #expect(again.status == 1)
        let letter = try #require(try await fleet.letters().first)
        #expect(letter.id.text == id && letter.attempts.integer == Int64(attempt))
        #expect(letter.state == "open" && letter.code == "unknown-server" && letter.count == 1)
      }
      let refused = try await fleet.bench.ostler("dl", "replay", id)
      #expect(refused.status == 1)
      #expect(refused.complaints.contains("--force"), "\(refused.complaints)")
      #expect(try await fleet.letters().first?.attempts == 2)
      try await fleet.publish([.enroll(5, "new")])
      let forced = try await fleet.done("dl replay \(id) --force --wait")
      #expect(forced.output.contains("1 applied"))
      let told = try await fleet.done("events --from first --filter '*.isolated.#' --filter '*.*.replayed' --count 2")
      let who = try #require(try await fleet.bench.ostler("dl", "audit", "--json").objects().first?["who"] as? String)
      #expect(told.lines.count == 2 && told.lines.allSatisfy { $0.contains("replayed by \(who)") }, "\(told.output)")
      let shown = try await fleet.done("dl show \(id) --json")
      let story = try JSONNode(Array(shown.output.utf8))
      #expect(story.state == "resolved" && story.attempts == 3)
      #expect(story.replays.items.map(\.state.text) == ["failed", "failed", "succeeded"])
      #expect(
        story.audit.items.map(\.result.text) == ["rejected: unknown-server", "rejected: unknown-server", "applied"])
      let again = try await fleet.bench.ostler("dl", "replay", id, "--force")
      #expect(again.status == 1 && again.complaints.contains("resolved"), "\(again.complaints)")
    }
  }

  @Test("Two operators replay the same filter at the same moment: one replay of each letter")
  func twoOperators() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      let count = 60
      try await fleet.publish((0..<count).map { .isolate(Int64(100 + $0), op: UInt64($0)) })
      try await fleet.letters(count: count)
      try await fleet.publish((0..<count).map { .enroll(Int64(100 + $0), "new") })
      async let first = fleet.bench.ostler("dl", "replay", "--code", "unknown-server", "--wait", "--rate", "300")
      async let second = fleet.bench.ostler("dl", "replay", "--code", "unknown-server", "--wait", "--rate", "300")
      let outputs = try await [first, second]
      #expect(outputs.contains { $0.status == 0 }, "\(outputs)")
      #expect(try await fleet.letters("--state resolved").map(\.attempts.integer) == Array(repeating: 1, count: count))
      #expect(try await fleet.bench.ostler("dl", "audit", "--json").lines.count == count)
      for server in 100..<(100 + count) { #expect(try await fleet.version(of: Int64(server)) == 2) }
    }
  }

  @Test("Without a worker replays wait in the store; they go out when one starts; what was applied before is not again")
  func workerAway() async throws {
    try await Fleet.with(Fleet.quick) { fleet in
      _ = try await fleet.done("topology")
      _ = try await fleet.bench.withWorker {
        try await fleet.publish([.isolate(5, op: 1), .isolate(6, op: 2), .isolate(7, op: 3)])
        try await fleet.letters(count: 3)
        try await fleet.publish([.enroll(5, "new"), .enroll(6, "new"), .enroll(7, "new")])
        // The sender's own retry, with a higher attempt, is quicker than the operator.
        try await fleet.publish([.isolate(7, op: 3).attempt(2)])
        try await fleet.letters("--state resolved", count: 1)
      }
      let asked = try await fleet.done("dl replay --all")
      #expect(asked.output.contains("2 replays asked for"))
      #expect(asked.complaints.contains("no worker runs"), "\(asked.complaints)")
      #expect(try await fleet.letters("--state replaying").count == 2)
      let timely = try await fleet.bench.ostler("dl", "replay", "--server", "7", "--state", "resolved", "--wait")
      #expect(timely.status == 1)
      _ = try await fleet.bench.withWorker { try await fleet.letters("--state resolved", count: 3) }
      for server in 5...7 { #expect(try await fleet.version(of: Int64(server)) == 2) }
    }
  }

  @Test("A purged queue: reopen frees the letter, and a copy that turns up later changes nothing")
  func reopenAndLateCopy() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish([.isolate(5, op: 1)])
      let id = try #require(try await fleet.letters(count: 1).first?.id.text)
      let letter = try #require(UUID128(id))
      // A replay that lies in a queue nobody reads stands for one that is late.
      try await Fleet.withConnection { connection in
        try await connection.unbindQueue(
          fleet.topology.commandQueue(.isolate), from: fleet.topology.commandsExchange, routingKey: "isolate")
        _ = try await connection.declareQueue("\(fleet.topology.commandsExchange).late", exclusive: false)
        try await connection.bindQueue(
          "\(fleet.topology.commandsExchange).late", to: fleet.topology.commandsExchange, routingKey: "isolate")
        try await fleet.done("dl replay \(id)")
        _ = try await connection.consume("\(fleet.topology.commandsExchange).late")
        let late = try #require(try await Self.delivery(connection))
        #expect(late.properties.headers?["x-ostler-replay"]?.text == "\(id)/1")
        let waiting = try await fleet.bench.ostler("dl", "replay", id, "--wait")
        #expect(waiting.status == 1 && waiting.complaints.contains("being replayed already"), "\(waiting.complaints)")
        try await fleet.done("dl reopen --state replaying --reason purged")
        try await connection.bindQueue(
          fleet.topology.commandQueue(.isolate), to: fleet.topology.commandsExchange, routingKey: "isolate")
        try await fleet.publish([.enroll(5, "new")])
        try await fleet.done("dl replay \(id) --wait")
        let version = try await fleet.version(of: 5)
        try await fleet.publish([
          .init(
            exchange: fleet.topology.commandsExchange, routingKey: "isolate", properties: late.properties,
            body: late.body.bytes)
        ])
        // Whatever comes after the copy in its queue is decided after it.
        let after = try await fleet.bench.ostler("send", "isolate", "--server", "5", "--sub-state", "excluded")
        #expect(after.status == 0, "\(after.complaints)")
        #expect(try await fleet.version(of: 5) == version + 1)
        try await connection.deleteQueue("\(fleet.topology.commandsExchange).late")
      }
      let replays = try await fleet.withStore { (snapshot) throws(StoreError) in try snapshot.replays(of: letter) }
      #expect(replays.map(\.state) == [.givenUp, .succeeded])
      #expect(try await fleet.letters("--state open").isEmpty)
    }
  }

  @Test("A replay whose queue is gone: the letter is open, with the reason, and can be replayed once it is there again")
  func queueGone() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish([.isolate(5, op: 1)])
      let id = try #require(try await fleet.letters(count: 1).first?.id.text)
      try await Fleet.withConnection { connection in
        try await connection.unbindQueue(
          fleet.topology.commandQueue(.isolate), from: fleet.topology.commandsExchange, routingKey: "isolate")
        let lost = try await fleet.bench.ostler("dl", "replay", id, "--wait")
        #expect(lost.status == 1)
        let letter = try #require(try await fleet.letters().first)
        #expect(letter.id.text == id && letter.state == "open" && letter.attempts == 1)
        #expect(letter.code == "broker-rejected")
        #expect(letter.message.text?.contains(fleet.topology.commandQueue(.isolate)) == true, "\(letter.message)")
        try await connection.bindQueue(
          fleet.topology.commandQueue(.isolate), to: fleet.topology.commandsExchange, routingKey: "isolate")
      }
      try await fleet.publish([.enroll(5, "new")])
      let found = try await fleet.done("dl replay \(id) --wait")
      #expect(found.output.contains("1 applied"), "\(found.output)")
    }
  }

  @Test("A letter whose headers leave no room for a replay's fails with that reason; the others are replayed")
  func unsendable() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      var large = Order.isolate(5, op: 1)
      large.headers = ["large": .string([UInt8](repeating: 0x61, count: 130_980))]
      try await fleet.publish([large, .isolate(6, op: 2)])
      try await fleet.letters(count: 2)
      try await fleet.publish([.enroll(6, "new")])
      let replayed = try await fleet.bench.ostler("dl", "replay", "--all", "--wait", "--timeout", "20s")
      #expect(replayed.status == 1)
      #expect(replayed.output.contains("1 applied"), "\(replayed.output)\(replayed.complaints)")
      let letter = try #require(try await fleet.letters().first)
      #expect(letter.serverId == 5 && letter.state == "open" && letter.attempts == 1)
      #expect(letter.code == "broker-rejected" && letter.message.text?.contains("131072") == true, "\(letter.message)")
    }
  }

  @Test("Ctrl-C stops between two letters and says how far it got; what was asked for goes on")
  func interrupted() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish((0..<40).map { .isolate(Int64(100 + $0), op: UInt64($0)) })
      try await fleet.letters(count: 40)
      try await fleet.publish((0..<40).map { .enroll(Int64(100 + $0), "new") })
      try await eventually("the last is there") { try await fleet.version(of: 139) == 1 }
      let ended = try await fleet.bench.shell(
        """
        ostler dl replay --all --rate 1 --wait & asking=$!
        for look in {1..500}; do
          [ "$(ostler dl list --state resolved --json | wc -l)" -ge 2 ] && break
        done
        kill -INT $asking; wait $asking
        """)
      #expect(ended.status == 1)
      #expect(ended.output.contains("; stopped, "), "\(ended.output)\(ended.complaints)")
      let asked = try #require(ended.output.split(separator: " ").first.flatMap { Int($0) })
      #expect((2..<40).contains(asked))
      try await fleet.letters("--state resolved", count: asked)
      #expect(try await fleet.letters("--state open").count == 40 - asked)
    }
  }
}

extension LetterReplayTests {
  /// The next message.
  static func delivery(_ connection: Connection) async throws -> Delivery? {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
      for inbound in try await connection.receive(maxCount: 1, maxBytes: 1 << 20) {
        if case .delivery(let delivery) = inbound { return delivery }
      }
    }
    return nil
  }
}
