import AMQP
import Lifecycle
import Testing
import TestSupport
import Worker

@Suite("Listing dead letters")
struct LetterListTests {
  @Test(
    "Groups by code, command, server and hour, each with count, oldest and newest; filters; pages one after the other")
  func groupsFiltersPages() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish([
        .isolate(5, op: 1), .isolate(5, op: 2), .isolate(6, op: 3), .allocate(9, op: 4),
        Order(.isolate, #""serverId":"seven""#, operation: 10),
      ])
      var named = Order.available(7).properties
      named.userID = try BrokerURI(try Fleet.uri()).user
      try await fleet.publish([
        OutboundMessage(
          exchange: fleet.topology.commandsExchange, routingKey: "available", properties: named,
          body: Order.available(7, op: 9).body)
      ])
      let all = try await fleet.letters(count: 6)
      let times = all.compactMap(\.receivedAt.text)

      func groups(_ by: String, _ name: String) async throws -> [String: Int64] {
        let groups = try await fleet.letters("--by \(by)")
        for group in groups {
          let (oldest, newest) = (try #require(group.oldest.text), try #require(group.newest.text))
          #expect(oldest <= newest && times.contains(oldest) && times.contains(newest), "\(group)")
        }
        return Dictionary(
          uniqueKeysWithValues: groups.map {
            let value = $0[dynamicMember: name]
            return (value.text ?? value.integer.map { String($0) } ?? "-", $0.count.integer ?? 0)
          })
      }
      #expect(
        try await groups("code", "code") == ["unknown-server": 4, "quota-not-configured": 1, "invalid-field": 1])
      #expect(try await groups("command", "command") == ["isolate": 4, "allocate": 1, "available": 1])
      #expect(try await groups("server", "serverId") == ["5": 2, "6": 1, "7": 1, "-": 2])
      // An hour may end in the middle of it.
      let hours = try await groups("hour", "hour")
      #expect(Set(hours.keys) == Set(times.map { String($0.prefix(13)) }) && hours.values.reduce(0, +) == 6)

      for (filter, count) in [
        ("--actor \(named.userID ?? "")", 1), ("--actor nobody", 0), ("--text seven", 1),
        ("--text 'enroll it first'", 4),
        ("--server 5 --code unknown-server", 2), ("--client 9", 1),
        ("--operation \(all[0].operationUuid.text ?? "")", 1),
        ("--older-than 1h", 0), ("--command isolate --server 6", 1),
      ] {
        #expect(try await fleet.letters(filter).count == count, "\(filter)")
      }

      var pages: [String] = []
      var after = ""
      repeat {
        let page = try await fleet.letters("--limit 4 \(after)")
        pages += page.compactMap(\.id.text)
        after = "--after \(pages.last?.prefix(8) ?? "")"
      } while pages.count < 6
      #expect(pages == all.compactMap(\.id.text))
      #expect(try await fleet.letters("--limit 4 \(after)").isEmpty)
    }
  }
}
