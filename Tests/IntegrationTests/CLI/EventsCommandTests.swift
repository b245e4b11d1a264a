import AMQP
import Foundation
import Testing
import Worker

@Suite("ostler events")
struct EventsCommandTests {
  @Test("Reads the log from its beginning, filters it, counts, and ends when it is idle")
  func log() async throws {
    try await Fleet.atWork { fleet in
      let bench = fleet.bench
      for step in [
        "enroll --server 1 --location 18 --type 126 --state available", "enroll --server 2 --location 19 --type 126",
        "isolate --server 1 --sub-state excluded", "unisolate --server 1",
      ] {
        try await #expect(bench.shell("ostler send \(step)").status == 0)
      }
      let all = try await bench.ostler("events", "--from", "first", "--count", "4", "--json").objects()
      #expect(
        all.map { $0["type"] as? String }
          == ["enrolled", "enrolled", "isolated", "unisolated"].map { "ostler.server.\($0).v1" })
      let site = try await bench.ostler(
        "events", "--from", "first", "--filter", "server.*.*.19", "--until-idle", "10s", "--json")
      #expect(site.status == 0)
      #expect(try site.objects().map { $0["subject"] as? String } == ["2"])
      let since = try await bench.ostler(
        "events", "--since", "1h", "--filter", "server.isolated.#", "--filter", "quota.#", "--until-idle", "10s")
      #expect(since.lines.count == 1)
      #expect(since.output.contains("server 1 isolated  available -> isolated  (excluded)  version 2  at 18"))
      let rest = try await bench.ostler("events", "--from", "2", "--count", "2", "--offsets")
      #expect(rest.lines.map { $0.prefix(2) } == ["2 ", "3 "])
    }
  }

  @Test("Shows events as they are published; Ctrl-C is status 0")
  func live() async throws {
    try await Fleet.with { fleet in
      try await #expect(fleet.bench.ostler("topology").status == 0)
      let watch = """
        ostler events --json --filter 'server.#' > events.jsonl & watcher=$!
        sent=0
        until [ -s events.jsonl ]; do ostler send enroll --server $((sent += 1)) --location 18 --type 126 --no-wait; done 2>/dev/null >/dev/null
        kill -INT $watcher; wait $watcher
        """
      let (worker, ended) = try await fleet.bench.withWorker { try await fleet.bench.shell("set -m; " + watch) }
      #expect(worker.status == 0)
      #expect(ended.status == 0, "\(ended.complaints)")
      let events = try String(contentsOfFile: fleet.bench.path("events.jsonl"), encoding: .utf8).split(separator: "\n")
      #expect(!events.isEmpty)
      for event in events { #expect(event.hasPrefix(#"{"specversion":"1.0""#)) }
    }
  }

  @Test("Leaves nothing on the broker")
  func leavesNothing() async throws {
    try await Fleet.with { fleet in
      try await #expect(fleet.bench.ostler("topology").status == 0)
      let ended = try await fleet.bench.ostler("events", "--until-idle", "100ms")
      #expect(ended.status == 0)
      #expect(ended.output.isEmpty)
      // Deleting it succeeds only where no queue is bound any more.
      try await Fleet.withConnection { connection in
        try await connection.deleteQueue(fleet.topology.eventsLogQueue)
        try await connection.deleteExchange(fleet.topology.eventsExchange, ifUnused: true)
      }
    }
  }

  @Test("Without the exchange or the log: status 69, and what creates them")
  func missing() async throws {
    try await Fleet.with { fleet in
      for arguments in ["events", "events --from first"] {
        let ended = try await fleet.bench.shell("ostler \(arguments)")
        #expect(ended.status == 69)
        #expect(ended.complaints.contains("ostler topology"))
      }
    }
  }
}
