import Foundation
import TestSupport
import Testing

@Suite("ostler send")
struct SendTests {
  @Test("One command: applied, told, applied once; refused with status 1")
  func single() async throws {
    try await Fleet.atWork { fleet in
      let bench = fleet.bench
      let operation = UUID().uuidString.lowercased()
      let first = try await bench.ostler(
        "send", "enroll", "--server", "1", "--location", "18", "--type", "126", "--state", "available", "--operation",
        operation, "--json")
      #expect(first.status == 0, "\(first.complaints)")
      let reply = try #require(try first.objects().first)
      #expect(first.lines.count == 1)
      #expect(reply["outcome"] as? String == "applied")
      #expect(reply["duplicate"] as? Bool == false)
      #expect(reply["operationUuid"] as? String == operation)
      #expect((reply["server"] as? [String: Any])?["state"] as? String == "available")

      let second = try await bench.ostler(
        "send", "enroll", "--server", "1", "--location", "18", "--type", "126", "--state", "available", "--operation",
        operation, "--json")
      #expect(second.status == 0)
      #expect(try second.objects().first?["duplicate"] as? Bool == true)

      let refused = try await bench.ostler("send", "allocate", "--location", "18", "--type", "126", "--client", "7")
      #expect(refused.status == 1)
      #expect(refused.output.hasPrefix("rejected: quota-not-configured: "))
      #expect(refused.output.contains("dead letter"))
      #expect(refused.complaints.hasPrefix("operation "))

      let unchanged = try await bench.ostler("send", "unisolate", "--server", "1")
      #expect(unchanged.status == 0)
      #expect(unchanged.output.hasPrefix("unchanged"))
    }
  }

  @Test("Every field of every command arrives")
  func everyField() async throws {
    try await Fleet.atWork { fleet in
      let steps: [(String, Int32)] = [
        ("set-quota --client 7 --contract C-1 --location 18 --type 126 --limit 1", 0),
        ("set-quota --client 7 --location 18 --type 126 --limit 3", 0),
        ("enroll --server 1 --location 18 --type 126 --name one --state available --since 2024-03-01T00:00:00Z", 0),
        ("enroll --server 2 --location 18 --type 126 --state isolated --sub-state excluded --reason why", 0),
        (
          "enroll --server 3 --location 18 --type 126 --state allocated --client 7 --contract C-1 --quota-type commit",
          0
        ),
        (
          "allocate --location 18 --type 126 --client 7 --contract C-1 --overflow --attempt 2 --not-after 2999-01-01T00:00:00Z",
          0
        ),
        ("compensate --server 1 --client 7 --reason 'no network' --if-version 2", 0),
        ("available --server 1 --baseline 00000000-0000-4000-8000-000000000000", 1),
        (
          "isolate --server 1 --sub-state brokenHardware --reason PSU --baseline 00000000-0000-4000-8000-000000000000",
          1
        ),
        ("isolate --server 1 --sub-state brokenHardware --reason PSU", 0),
        ("quarantine --server 2 --case A --reason court", 0),
        ("unquarantine --server 2 --outcome restore --reason over --case A", 0),
        ("reclassify --server 2 --location 19 --type 127 --name two --reason moved", 0),
        ("decommission --server 2 --reason old", 0),
        ("deallocate --server 3 --client 7 --allocation 00000000-0000-4000-8000-000000000000", 1),
        ("deallocate --server 3 --client 7", 0),
        ("set-quota --client 7 --location 18 --type 126 --remove", 0),
        ("snapshot --server 1", 0),
      ]
      for (step, status) in steps {
        let ended = try await fleet.bench.shell("ostler send \(step)")
        #expect(ended.status == status, "\(step): \(ended.output) \(ended.complaints)")
      }
    }
  }

  @Test("No worker: status 69, and the way to send it again")
  func noAnswer() async throws {
    try await Fleet.with { fleet in
      try await #expect(fleet.bench.ostler("topology").status == 0)
      let ended = try await fleet.bench.ostler("send", "unisolate", "--server", "1", "--timeout", "5s")
      #expect(ended.status == 69)
      let operation = try #require(ended.complaints.split(separator: "\n").first?.split(separator: " ").last)
      #expect(ended.complaints.contains("the broker has the command, but no worker answered within 5s"))
      #expect(ended.complaints.contains("--operation \(operation)"))
      let sent = try await fleet.bench.ostler("send", "unisolate", "--server", "1", "--no-wait", "--json")
      #expect(sent.status == 0)
      #expect(try sent.objects().first?["operationUuid"] is String)
    }
  }

  @Test("Under an alarm of the broker: it says so and waits; status 69 where that takes too long, applied where not")
  func alarm() async throws {
    try await Fleet.atWork { fleet in
      try await #expect(fleet.bench.shell("ostler send enroll --server 1 --location 18 --type 126").status == 0)
      let commands = (1...1500).map { #"{"command":"unisolate","serverId":1,"operationUuid":"\#(Self.uuid($0))"}"# }
      try fleet.bench.write(commands.joined(separator: "\n"), to: "commands.jsonl")
      let (early, late) = try await TestBroker.duringMemoryAlarm {
        let single = try await fleet.bench.ostler("send", "unisolate", "--server", "1", "--timeout", "10s")
        #expect(single.status == 69)
        #expect(
          single.complaints.contains("the broker takes no messages now (an alarm: low on memory)"),
          "\(single.complaints)")
        #expect(single.complaints.contains("--operation"))
        let many = try await fleet.bench.ostler("send", "--file", "commands.jsonl", "--timeout", "10s")
        #expect(many.status == 69)
        #expect(many.complaints.contains("the broker takes no messages now"), "\(many.complaints)")
        #expect(many.complaints.contains("were not sent"), "\(many.complaints)")
        // Started under the alarm, and done when it is over.
        let (one, all) = (fleet.bench.path("one"), fleet.bench.path("all"))
        let early = Task { try await fleet.bench.shell("ostler send isolate --server 1 --sub-state excluded 2>\(one)") }
        let late = Task { try await fleet.bench.shell("ostler send --file commands.jsonl 2>\(all)") }
        for path in [one, all] {
          try await eventually("it says that it waits: \(path)", within: .seconds(60)) {
            (try? String(contentsOfFile: path, encoding: .utf8))?.contains("takes no messages now") ?? false
          }
        }
        return (early, late)
      }
      let (one, all) = (try await early.value, try await late.value)
      #expect(one.status == 0, "\(one)")
      #expect(all.status == 0 && all.output.hasPrefix("1,500 commands: "), "\(all)")
    }
  }

  private static func uuid(_ number: Int) -> String {
    "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - String(number).count) + String(number)
  }

  @Test("No exchange: status 69, and what creates it")
  func noExchange() async throws {
    try await Fleet.with { fleet in
      let ended = try await fleet.bench.ostler("send", "unisolate", "--server", "1")
      #expect(ended.status == 69)
      #expect(ended.complaints.contains("ostler topology"))
      try await #expect(fleet.bench.ostler("topology").status == 0)
    }
  }

  @Test("A file: in order, bad lines told with file and line, a summary by outcome and code")
  func file() async throws {
    try await Fleet.atWork { fleet in
      var lines = (1...700).map {
        #"{"command":"enroll","serverId":\#($0),"locationId":18,"instanceTypeId":126,"state":"available"}"#
      }
      lines += (1...700).map { #"{"command":"isolate","serverId":\#($0),"subState":"excluded"}"# }
      lines += [
        "", #"{"command":"isolat","serverId":1}"#, #"{"serverId":1}"#, "nonsense", "[1]",
        #"{"command":"isolate","serverId":1,"serverId":2,"subState":"excluded"}"#,
        #"{"command":"isolate","serverId":1}"#,
        #"{"command":"available","serverId":1}"#,
      ]
      try fleet.bench.write(lines.joined(separator: "\n"), to: "commands.jsonl")
      let ended = try await fleet.bench.ostler("send", "--file", "commands.jsonl")
      #expect(ended.status == 1)
      #expect(ended.output == "1,407 commands: 1,400 applied, 1 rejected (1 not-in-baseline), 6 not sent\n")
      let complaints = ended.complaints.split(separator: "\n")
      #expect(complaints.count == 7, "\(ended.complaints)")
      #expect(complaints.first == "ostler: commands.jsonl:1402: 'isolat' is no command; did you mean 'isolate'?")
      #expect(ended.complaints.contains("commands.jsonl:1403: no field 'command'"))
      #expect(ended.complaints.contains("commands.jsonl:1406: not a JSON object that can be read"))
      #expect(ended.complaints.contains("commands.jsonl:1407: invalid-field: The field subState is missing"))
      #expect(ended.complaints.contains("commands.jsonl:1408: not-in-baseline"))

      let piped = try await fleet.bench.ostler(
        "send", "--file", "-", "--json", input: #"{"command":"unisolate","serverId":1}"# + "\n")
      #expect(piped.status == 0)
      #expect(try piped.objects().first?["outcome"] as? String == "applied")
      #expect(piped.complaints == "1 commands: 1 applied\n")
    }
  }

  @Test("Progress is drawn on a terminal and nowhere else")
  func progress() async throws {
    try await Fleet.atWork { fleet in
      let lines = (1...300).map {
        #"{"command":"enroll","serverId":\#($0),"locationId":18,"instanceTypeId":126}"#
      }
      try fleet.bench.write(lines.joined(separator: "\n") + "\n", to: "commands.jsonl")
      let terminal = try await fleet.bench.onTerminal("send", "--file", "commands.jsonl")
      #expect(terminal.status == 0)
      #expect(terminal.output.contains("\rsending [########################] 300 of 300, "), "\(terminal.output)")
      let pipe = try await fleet.bench.ostler("send", "--file", "commands.jsonl")
      #expect(pipe.complaints.isEmpty)
      #expect(!pipe.output.contains("\r"))
      #expect(!pipe.output.contains("\u{1B}"))
    }
  }
}
