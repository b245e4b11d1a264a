import Foundation
import Testing

@Suite("Usage and exit statuses")
struct UsageTests {
  @Test("Help teaches: every command has an example")
  func helpTeaches() async throws {
    try await Bench.with { bench in
      let commands = [
        "run", "send", "import", "servers", "server", "allocations", "quotas", "dead-letters", "events", "backup",
        "restore", "topology", "config",
      ]
      for command in commands {
        let ended = try await bench.ostler(command, "--help")
        #expect(ended.status == 0)
        #expect(ended.output.contains("  ostler \(command)"), "\(command) shows no example")
        #expect(ended.complaints.isEmpty)
      }
    }
  }

  @Test("Every command can be sent, and its help says how")
  func everyCommandHasHelp() async throws {
    let names = [
      "allocate", "deallocate", "compensate", "isolate", "unisolate", "available", "quarantine", "unquarantine",
      "enroll", "reclassify", "decommission", "set-quota", "snapshot",
    ]
    try await Bench.with { bench in
      for name in names {
        let ended = try await bench.ostler("send", name, "--help")
        #expect(ended.status == 0)
        #expect(ended.output.contains("ostler send \(name)"))
      }
    }
  }

  @Test(
    "Wrong usage is status 64, and says so on the standard error",
    arguments: [
      ["frobnicate"], ["config", "--jsn"], ["send"], ["send", "allocate"],
      ["send", "allocate", "--location", "x", "--type", "1", "--client", "1"],
      ["send", "isolate", "--server", "0", "--sub-state", "excluded"],
      ["send", "isolate", "--server", "1", "--sub-state", "nothing"],
      ["send", "isolate", "--server", "1", "--sub-state", "excluded", "--operation", "no-uuid"],
      ["send", "isolate", "--server", "1", "--sub-state", "excluded", "--attempt", "1001"],
      ["send", "isolate", "--server", "1", "--sub-state", "excluded", "--not-after", "yesterday"],
      ["send", "set-quota", "--client", "1", "--location", "1", "--type", "1"],
      ["send", "set-quota", "--client", "1", "--location", "0", "--type", "1", "--limit", "1"],
      ["send", "snapshot", "--server", "1", "--location", "1"],
      ["send", "enroll", "--server", "1", "--location", "1", "--type", "1", "--state", "decommissioned"],
      ["send", "unisolate", "--server", "1", "--timeout", "10"],
      ["allocations", "--open", "--ended"], ["allocations", "--since", "x"], ["servers", "--state", "busy"],
      ["server", "x"], ["dead-letters", "list", "--command", "alocate"], ["dead-letters", "list", "--limit", "0"],
      ["events", "--from", "last"], ["events", "--from", "first", "--since", "1h"], ["events", "--count", "0"],
      ["backup"], ["restore"], ["restore", "a", "b"], ["import", "servers", "fleet.txt"],
      ["import", "servers", "missing.csv"],
    ])
  func wrongUsage(arguments: [String]) async throws {
    try await Bench.with { bench in
      let line = (["ostler"] + arguments).map { "'\($0)'" }.joined(separator: " ")
      let ended = try await bench.shell(line)
      #expect(ended.status == 64, "\(line): \(ended.complaints)")
      #expect(ended.complaints.hasPrefix("ostler: "), "\(ended.complaints)")
      #expect(ended.output.isEmpty)
    }
  }

  @Test("A misspelt command name is answered with the right one")
  func suggestsCommand() async throws {
    try await Bench.with { bench in
      let ended = try await bench.ostler("dl", "list", "--command", "alocate")
      #expect(ended.complaints.contains("did you mean 'allocate'?"))
    }
  }

  @Test("Completions know commands and states", arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) async throws {
    try await Bench.with { bench in
      let ended = try await bench.ostler("--generate-completion-script", shell)
      #expect(ended.status == 0)
      for word in ["set-quota", "dead-letters", "backToBaseline", "quota-exceeded"] {
        #expect(ended.output.contains(word), "\(word) is not completed")
      }
    }
  }

  @Test("Broker out of reach is status 69, with the address and without the password")
  func noBroker() async throws {
    try await Bench.with(["OSTLER_AMQP_URI": "amqp://me:hunter2@127.0.0.1:1"]) { bench in
      for arguments in [["send", "unisolate", "--server", "1"], ["events"], ["topology"]] {
        let ended = try await bench.shell("ostler " + arguments.joined(separator: " "))
        #expect(ended.status == 69)
        #expect(ended.complaints.contains("127.0.0.1:1"))
        #expect(!ended.complaints.contains("hunter2"))
      }
    }
  }

  @Test("A missing store is status 69 and says what to do")
  func noStore() async throws {
    try await Bench.with { bench in
      for arguments in ["servers", "server 1", "allocations", "quotas", "dl list"] {
        let ended = try await bench.shell("ostler \(arguments)")
        #expect(ended.status == 69)
        #expect(ended.complaints.contains("store.path"))
        #expect(ended.output.isEmpty)
      }
      #expect(!FileManager.default.fileExists(atPath: bench.path("ostler.sqlite")))
    }
  }

  @Test("A file that is no store is refused and left as it is")
  func foreignStore() async throws {
    try await Bench.with { bench in
      try bench.write("this is no database, whatever its name says", to: "ostler.sqlite")
      let ended = try await bench.ostler("servers")
      #expect(ended.status == 69)
      let left = try String(contentsOfFile: bench.path("ostler.sqlite"), encoding: .utf8)
      #expect(left == "this is no database, whatever its name says")
    }
  }
}
