import Foundation
import Lifecycle
import Store
import Testing
import TestSupport
import Worker

@Suite("Many replays", .serialized)
struct LetterLoadTests {
  @Test("A thousand letters are replayed while live commands are served, each applied once")
  func liveCommandsGoOn() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      let count = 1000
      try await fleet.publish((0..<count).map { .isolate(Int64(10_000 + $0), op: UInt64($0)) })
      try await fleet.letters("--limit \(count)", count: count)
      try await fleet.publish((0..<count).map { .enroll(Int64(10_000 + $0), "new") })
      try await fleet.done("send enroll --server 1 --location 18 --type 126")
      async let replaying = fleet.bench.ostler("dl", "replay", "--code", "unknown-server", "--wait")
      var served = 0
      while try await fleet.replaysEnded() < count {
        let subState = served % 2 == 0 ? "excluded" : "reserved"
        let live = try await fleet.bench.shell(
          "ostler send isolate --server 1 --sub-state \(subState) --timeout 10s --json")
        #expect(live.status == 0, "\(live.complaints)")
        served += 1
      }
      let replayed = try await replaying
      #expect(replayed.status == 0, "\(replayed.complaints)")
      #expect(replayed.output.contains("1,000 followed: 1,000 applied"), "\(replayed.output)")
      #expect(served > 0)
      #expect(try await fleet.version(of: 1) == Int64(served) + 1)
      let versions = try await fleet.bench.ostler("servers", "--state", "isolated", "--json").objects()
      #expect(versions.count { $0["version"] as? Int == 2 && $0["serverId"] as? Int != 1 } == count)
    }
  }

  @Test("A rate is kept to, and the bar tells how far it is on a terminal only")
  func rateAndProgress() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish((0..<30).map { .isolate(Int64(100 + $0), op: UInt64($0)) })
      try await fleet.letters(count: 30)
      let start = ContinuousClock.now
      let first = try await fleet.bench.ostler("dl", "replay", "--all", "--first", "11", "--rate", "10")
      #expect(.now - start >= .milliseconds(990), "ten intervals at ten a second")
      #expect(first.status == 0)
      #expect(first.output == "11 replays asked for\n")
      #expect(!first.complaints.contains("#"))
      try await fleet.letters("--state replaying", count: 0)
      let second = try await fleet.bench.onTerminal("dl", "replay", "--all", "--yes", "--wait", "--rate", "100")
      #expect(second.output.contains("asking [") && second.output.contains("30 of 30"), "\(second.output)")
      #expect(second.output.contains("replayed ["), "\(second.output)")
    }
  }
}

extension Fleet {
  /// How many letters have no replay under way, and had one.
  fileprivate func replaysEnded() async throws -> Int {
    try await withStore { (snapshot) throws(StoreError) in
      try snapshot.letterCounts()[.resolved] ?? 0
    }
  }
}
