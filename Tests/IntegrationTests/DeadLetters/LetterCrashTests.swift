import Foundation
import Lifecycle
import Testing
import TestSupport
import Worker

/// Kill -9 at every step of a bulk replay.
@Suite("Replays and killed processes", .serialized)
struct LetterCrashTests {
  private static let count = 120

  @Test(
    "The worker is killed in the middle: every letter in one defined state, each command applied once",
    arguments: ["before-commit:1", "after-commit:1", "after-publish:1"])
  func workerKilled(point: String) async throws {
    try await Fleet.with(Fleet.quick) { fleet in
      try await prepare(fleet)
      let killed = try await fleet.bench.shell(
        """
        OSTLER_TEST_KILL_POINT=\(point) timeout 120 ostler run 2>worker1.log & worker=$!
        ostler dl replay --code unknown-server --reason crash
        wait $worker
        """)
      #expect(killed.status == 137, "the worker was to be killed: \(killed.complaints)")
      try await finish(fleet)
    }
  }

  @Test("The command line is killed in the middle: what was asked for is replayed once, the rest is open")
  func commandLineKilled() async throws {
    try await Fleet.with(Fleet.quick) { fleet in
      try await prepare(fleet)
      _ = try await fleet.bench.withWorker {
        let killed = try await fleet.bench.shell(
          """
          ostler dl replay --code unknown-server --rate 4 --wait & asking=$!
          for look in {1..500}; do
            [ "$(ostler dl list --state resolved --json | wc -l)" -ge 3 ] && break
          done
          kill -9 $asking; wait $asking
          """)
        #expect(killed.status == 137)
        let open = try await fleet.letters("--state open").count
        #expect(open > 0, "it was killed too late")
        try await fleet.letters("--state resolved", count: Self.count - open)
        for letter in try await fleet.letters("--state resolved") { #expect(letter.attempts == 1) }
      }
      try await finish(fleet)
    }
  }

  @Test("Both are killed, again and again")
  func bothKilled() async throws {
    try await Fleet.with(Fleet.quick) { fleet in
      try await prepare(fleet)
      for round in 1...4 {
        _ = try await fleet.bench.shell(
          """
          ostler run 2>>worker1.log & worker=$!
          ostler dl replay --code unknown-server --rate 60 --wait & asking=$!
          for look in {1..500}; do
            [ "$(ostler dl list --state resolved --json | wc -l)" -ge \(round * 20) ] && break
          done
          kill -9 $worker $asking; wait
          """)
      }
      try await finish(fleet)
    }
  }

  /// Letters for servers that were enrolled too late.
  private func prepare(_ fleet: Fleet) async throws {
    _ = try await fleet.done("topology")
    _ = try await fleet.bench.withWorker {
      try await fleet.publish((0..<Self.count).map { .isolate(Int64(100 + $0), op: UInt64($0)) })
      try await fleet.letters(count: Self.count)
      try await fleet.publish((0..<Self.count).map { .enroll(Int64(100 + $0), "new") })
      let last = Int64(100 + Self.count - 1)
      try await eventually("server \(last) is enrolled") { try await fleet.version(of: last) == 1 }
    }
  }

  /// A worker in good health ends what was under way; then everything is replayed.
  private func finish(_ fleet: Fleet) async throws {
    _ = try await fleet.bench.withWorker {
      let replaying = try await fleet.letters("--state replaying").count
      try await fleet.letters("--state replaying", count: 0)
      let resolved = try await fleet.letters("--state resolved").count
      #expect(resolved >= replaying)
      let open = try await fleet.letters("--state open").count
      #expect(resolved + open == Self.count)
      if open > 0 { try await fleet.done("dl replay --code unknown-server --wait") }
    }
    let letters = try await fleet.letters("--state resolved")
    #expect(letters.count == Self.count)
    #expect(letters.allSatisfy { $0.attempts == 1 }, "no replay was lost")
    for server in 0..<Self.count { #expect(try await fleet.version(of: Int64(100 + server)) == 2) }
  }
}
