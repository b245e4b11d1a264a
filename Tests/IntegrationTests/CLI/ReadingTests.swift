import Foundation
import Testing

@Suite("Looking at the store")
struct ReadingTests {
  @Test("Servers, one server, allocations, quotas and dead letters, while the worker runs")
  func whileRunning() async throws {
    try await Fleet.atWork { fleet in
      let bench = fleet.bench
      for step in [
        "set-quota --client 7 --location 18 --type 126 --limit 1",
        "enroll --server 1 --location 18 --type 126 --state available --name one",
        "enroll --server 2 --location 19 --type 127 --state isolated --sub-state excluded --reason why",
        "allocate --location 18 --type 126 --client 7", "quarantine --server 1 --case A",
        "unisolate --server 1 || true",
      ] {
        let ended = try await bench.shell("ostler send \(step)")
        try #require(ended.status == 0, "\(step): \(ended.complaints)")
      }
      try await servers(bench)
      try await server(bench)
      try await allocationsAndQuotas(bench)
      try await deadLetters(bench)
    }
  }

  private func servers(_ bench: Bench) async throws {
    let all = try await bench.ostler("servers", "--json").objects()
    #expect(all.map { $0["serverId"] as? Int } == [1, 2])
    #expect(all.first?["holds"] as? [String] == ["A"])
    #expect(all.last?["subState"] as? String == "excluded")
    for (filter, expected) in [
      ("--state quarantined", [1]), ("--location 19", [2]), ("--type 127", [2]), ("--client 7", [1]),
      ("--client 7 --location 19", []),
    ] {
      let found = try await bench.shell("ostler servers --json \(filter)")
      #expect(try found.objects().map { $0["serverId"] as? Int } == expected, "\(filter)")
      #expect(found.status == 0)
    }
    let table = try await bench.ostler("servers")
    #expect(table.lines.first?.split(separator: " ").first == "SERVER")
    #expect(table.lines.count == 3)
    #expect(!table.output.contains("\u{1B}"))
    let head = try await bench.shell("ostler servers | head -1; exit ${PIPESTATUS[0]}")
    #expect(head.status == 0)
    #expect(head.complaints.isEmpty)
    let narrow = try await bench.shell("script -qec 'stty cols 60; ostler servers' /dev/null")
    #expect(
      narrow.lines.allSatisfy { $0.filter { $0 != "\r" }.count <= 60 || $0.contains("SERVER") }, "\(narrow.output)")
  }

  private func server(_ bench: Bench) async throws {
    let object = try #require(try await bench.ostler("server", "1", "--json").objects().first)
    let history = try #require(object["history"] as? [[String: Any]])
    #expect(history.map { $0["version"] as? Int } == [1, 2, 3, 3])
    #expect(history.map { $0["outcome"] as? String } == ["applied", "applied", "applied", "rejected"])
    #expect(history.map { $0["command"] as? String } == ["enroll", "allocate", "quarantine", "unisolate"])
    #expect(history.last?["code"] as? String == "server-quarantined")
    #expect(history.allSatisfy { $0["actor"] is String && $0["operationUuid"] is String && $0["time"] is String })
    let text = try await bench.ostler("server", "1")
    for part in ["held by     case A", "frozen as   allocated", "of client 7", "rejected: server-quarantined"] {
      #expect(text.output.contains(part), "\(part) is not in \(text.output)")
    }
    let unknown = try await bench.ostler("server", "99")
    #expect(unknown.status == 1)
    #expect(unknown.complaints.contains("server 99 was never enrolled"))
  }

  private func allocationsAndQuotas(_ bench: Bench) async throws {
    for (filter, count) in [
      ("", 1), ("--open", 1), ("--ended", 0), ("--billable", 1), ("--not-billable", 0), ("--client 8", 0),
      ("--since 1h", 1), ("--since 2999-01-01T00:00:00Z", 1), ("--server 2", 0),
    ] {
      let found = try await bench.shell("ostler allocations --json \(filter)")
      #expect(found.status == 0)
      #expect(try found.objects().count == count, "\(filter)")
    }
    let allocation = try #require(try await bench.ostler("allocations", "--json").objects().first)
    #expect(allocation["billable"] as? Bool == true)
    #expect(allocation["quotaType"] as? String == "onDemand")
    let quota = try #require(try await bench.ostler("quotas", "--json").objects().first)
    #expect(quota["used"] as? Int == 1)
    #expect(quota["limit"] as? Int == 1)
  }

  private func deadLetters(_ bench: Bench) async throws {
    let hidden = try await bench.ostler("dead-letters", "list", "--json")
    #expect(hidden.status == 0)
    #expect(hidden.output.isEmpty)
    let letters = try await bench.ostler("dl", "--state", "answered", "--json").objects()
    let letter = try #require(letters.first)
    #expect(letters.count == 1)
    #expect(letter["code"] as? String == "server-quarantined")
    #expect(letter["serverId"] as? Int == 1)
    #expect(letter["count"] as? Int == 1)
    let body = try #require((letter["bodyBase64"] as? String).flatMap { Data(base64Encoded: $0) })
    let fields = try #require(try JSONSerialization.jsonObject(with: body) as? [String: Any])
    #expect(fields["operationUuid"] as? String == letter["operationUuid"] as? String)
    #expect((letter["properties"] as? [String: Any])?["appId"] as? String == "ostler")
    let known: Set = [
      "id", "state", "command", "code", "message", "details", "serverId", "clientId", "operationUuid", "actor",
      "receivedAt", "count", "attempts", "bodyBase64", "properties", "headers",
    ]
    #expect(known.isSuperset(of: letter.keys))
    for (filter, count) in [
      ("--code server-quarantined", 1), ("--code expired", 0), ("--command unisolate", 1), ("--command unknown", 0),
      ("--server 1", 1), ("--server 2", 0), ("--client 7", 0), ("--older-than 1h", 0), ("--older-than 0s", 1),
      ("--text quarantined", 1), ("--text nowhere", 0), ("--limit 1", 1),
      ("--operation \((letter["operationUuid"] as? String ?? "").uppercased())", 1),
    ] {
      let found = try await bench.shell("ostler dl list --state answered --json \(filter)")
      #expect(try found.objects().count == count, "\(filter): \(found.complaints)")
    }
  }
}
