import Foundation
import Testing
import Worker

@Suite("ostler config")
struct ConfigCommandTests {
  private func settings(_ ended: Ended) throws -> [String: [String: Any]] {
    Dictionary(uniqueKeysWithValues: try ended.objects().map { (try #require($0["key"] as? String), $0) })
  }

  @Test("Prints every setting with its default")
  func defaults() async throws {
    try await Bench.with { bench in
      let all = try settings(try await bench.ostler("config", "--json"))
      #expect(Set(all.keys) == Set(SettingKey.allCases.map(\.rawValue)))
      #expect(all.values.allSatisfy { $0["from"] as? String == "default" })
      #expect(all["amqp.prefetch"]?["value"] as? Int == 1000)
      #expect(all["dedup.retention"]?["value"] as? String == "400d")
      #expect(all["events.log.enabled"]?["value"] as? Bool == true)
      #expect(all["authorization.requiredFor"]?["value"] as? [String] == [])
    }
  }

  @Test("The environment beats the file, the file beats the default, and each says where it came from")
  func provenance() async throws {
    try await Bench.with(["OSTLER_AMQP_PREFETCH": "7"]) { bench in
      try bench.write(
        """
        amqp:
          prefetch: 5
          namespace: fleet
        authorization:
          requiredFor: [allocate, set-quota]
        """, to: "config/ostler.yaml")
      let all = try settings(try await bench.ostler("config", "--json"))
      #expect(all["amqp.prefetch"]?["value"] as? Int == 7)
      #expect(all["amqp.prefetch"]?["variable"] as? String == "OSTLER_AMQP_PREFETCH")
      #expect(all["amqp.namespace"]?["value"] as? String == "fleet")
      #expect(all["amqp.namespace"]?["file"] as? String == "config/ostler.yaml")
      #expect(all["amqp.namespace"]?["line"] as? Int == 3)
      #expect(all["authorization.requiredFor"]?["value"] as? [String] == ["allocate", "set-quota"])
      #expect(all["store.path"]?["from"] as? String == "default")
    }
  }

  @Test("Passwords are masked in the print-out")
  func masks() async throws {
    try await Bench.with(["OSTLER_AMQP_URI": "amqp://me:hunter2@one/,amqps://me:hunter3@two:99/fleet"]) { bench in
      for flag in [[], ["--json"]] {
        let ended = try await bench.shell((["ostler config"] + flag).joined(separator: " "))
        #expect(ended.status == 0)
        #expect(ended.output.contains("amqps://me:***@two:99/fleet"))
        #expect(!ended.output.contains("hunter"))
      }
    }
  }

  @Test("--check lists every problem, each with its place, and is status 78")
  func lists() async throws {
    try await Bench.with(["OSTLER_AMQP_URL": "x", "OSTLER_LOG_LEVEL": "loud", "OSTLER_TEST_ANYTHING": "y"]) { bench in
      try bench.write(
        """
        amqp:
          prefetch: many
          namespce: x
        store:
          path: 5
        """, to: "my.yaml")
      let ended = try await bench.ostler("config", "--check", "--config", "my.yaml")
      #expect(ended.status == 78)
      #expect(ended.output.isEmpty)
      let complaints = ended.complaints
      #expect(
        complaints.contains("amqp.prefetch (my.yaml:2:3): found the text 'many'; allowed: a whole number, 1 to 10000"))
      #expect(complaints.contains("'amqp.namespce' (my.yaml:3:3); did you mean 'amqp.namespace'?"))
      #expect(complaints.contains("store.path (my.yaml:5:3): found the whole number 5; allowed: the path of a file"))
      #expect(complaints.contains("OSTLER_AMQP_URL; did you mean OSTLER_AMQP_URI?"))
      #expect(complaints.contains("log.level (OSTLER_LOG_LEVEL): found the text 'loud'; allowed: trace, debug"))
      #expect(!complaints.contains("OSTLER_TEST"))
    }
  }

  @Test("--check prints nothing where all is well")
  func checkIsQuiet() async throws {
    try await Bench.with { bench in
      let ended = try await bench.ostler("config", "--check")
      #expect(ended.status == 0)
      #expect(ended.output.isEmpty)
      #expect(ended.complaints.isEmpty)
    }
  }

  @Test("No command starts on bad settings", arguments: ["run", "servers", "topology", "events", "send snapshot"])
  func everyCommandRefuses(command: String) async throws {
    try await Bench.with(["OSTLER_AMQP_HEARTBEAT": "15"]) { bench in
      let ended = try await bench.shell("ostler \(command)")
      #expect(ended.status == 78)
      #expect(ended.complaints.contains("amqp.heartbeat (OSTLER_AMQP_HEARTBEAT)"))
    }
  }

  @Test("A named file must be there")
  func namedFile() async throws {
    try await Bench.with { bench in
      let ended = try await bench.ostler("config", "--config", "none.yaml")
      #expect(ended.status == 78)
      #expect(ended.complaints.contains("none.yaml: no such file"))
    }
  }
}
