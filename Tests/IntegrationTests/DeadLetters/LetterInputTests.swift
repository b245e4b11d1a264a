import Foundation
import Lifecycle
import Store
import Testing
import TestSupport
import Worker

@Suite("Bad input for dead letters", .serialized)
struct LetterInputTests {
  @Test("An error names what is wrong, and nothing changes")
  func badInput() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      // With more letters than digits two of them begin with the same one.
      try await fleet.publish((0..<17).map { .isolate(Int64(100 + $0), op: UInt64($0)) })
      let before = try await fleet.letters(count: 17)
      let id = try #require(before.first?.id.text)
      let firstDigits = Dictionary(grouping: before.compactMap { $0.id.text?.first }, by: { $0 })
      let shared = try #require(firstDigits.first { $0.value.count > 1 }?.key)
      let unknown = UUID().uuidString.lowercased()
      let cases: [(line: String, status: Int32, complaint: String)] = [
        ("show \(unknown)", 1, "there is no dead letter '\(unknown)'"),
        ("show \(shared)", 1, "more than one dead letter"),
        ("replay \(unknown)", 1, unknown), ("replay \(id) \(unknown)", 1, unknown), ("replay xyz", 64, "xyz"),
        ("edit \(unknown) --set a=1", 1, unknown), ("discard \(unknown) --reason r", 1, unknown),
        ("reopen \(unknown)", 1, unknown), ("export \(unknown)", 1, unknown), ("audit \(shared)", 1, "more than one"),
        ("replay --code expired", 1, "no dead letters match"),
        ("discard --code expired --reason r", 1, "no dead letters"),
        ("reopen --state discarded", 1, "no dead letters match"), ("list --json --code expired", 0, ""),
        ("replay --dry-run --json --code expired", 0, ""),
        ("replay --dry-run --code expired", 1, "no dead letters match"),
        ("list --code nonsense", 64, "nonsense"), ("list --state closed", 64, "closed"),
        ("list --older-than soon", 64, "soon"), ("list --server x", 64, "'x'"), ("list --by colour", 64, "colour"),
        ("list --command isolat", 64, "did you mean 'isolate'"), ("replay --command isolat", 64, "did you mean"),
        ("replay", 64, "--all"), ("replay --wait", 64, "--all"), ("replay \(id) --all", 64, "not both"),
        ("replay --all --first 0", 64, "--first"), ("replay --all --rate 0", 64, "--rate"),
        ("replay --all --rate -1", 64, "--rate"), ("replay --all --dry-run --wait", 64, "exclude"),
        ("discard \(id)", 64, "--reason"), ("discard \(id) --reason ' '", 64, "--reason is empty"),
        ("discard --reason r", 64, "--all"), ("reopen", 64, "--state"), ("reopen \(id)", 1, "it is open"),
        ("edit \(id) --set serverId", 64, "serverId"), ("edit \(id) --set operationUuid=1", 64, "operationUuid"),
        ("edit \(id) --set serverId=\"x\"", 1, "invalid-field"), ("edit \(id) --set nothing=1", 1, "unknown-field"),
        ("edit \(id) --unset nothing", 1, "no such field"), ("edit \(id) --set serverId.x=1", 1, "no object"),
        ("edit \(id) --command allocate --set clientId=1", 1, "unknown-field"), ("edit \(id)", 64, "EDITOR"),
        ("import missing.jsonl", 64, "missing.jsonl"), ("audit --since soon", 64, "soon"),
      ]
      for (line, status, complaint) in cases {
        let ended = try await fleet.bench.shell("ostler dl \(line)")
        #expect(ended.status == status, "\(line): \(ended.complaints)")
        #expect(ended.complaints.contains(complaint) || complaint.isEmpty, "\(line): \(ended.complaints)")
        #expect(ended.output.isEmpty, "\(line): \(ended.output)")
      }
      #expect(try await fleet.letters() == before)
      #expect(try await fleet.bench.ostler("dl", "audit", "--json").output.isEmpty)
    }
  }

  @Test("The editor: what it leaves is checked as the worker checks it; a bad text changes nothing and is not lost")
  func editor() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish([.isolate(5, op: 1), .enroll(6, "new")])
      let id = try #require(try await fleet.letters(count: 1).first?.id.text)
      for (editor, complaint) in [
        ("true", "left as it is"), ("false", "ended with status 1"), ("sh -c 'echo no json > $1' x", "malformed-json"),
        ("sh -c 'echo [] > $1' x", "no JSON object"), ("no-such-editor", "ended with status 127"),
        (#"sh -c 'echo "{\"serverId\":1,\"serverId\":2}" > $1' x"#, "malformed-json"),
      ] {
        let ended = try await fleet.bench.shell("EDITOR=\(Self.quoted(editor)) ostler dl edit \(id)")
        #expect(ended.status == 1, "\(editor): \(ended.complaints)")
        #expect(ended.complaints.contains(complaint), "\(editor): \(ended.complaints)")
        #expect(ended.complaints.contains("Nothing was changed"))
        if complaint == "malformed-json" || complaint == "no JSON object" {
          let kept = try #require(ended.complaints.split(separator: " ").last).trimmingCharacters(in: .newlines)
          #expect(FileManager.default.fileExists(atPath: kept), "\(kept)")
          try FileManager.default.removeItem(atPath: URL(fileURLWithPath: kept).deletingLastPathComponent().path)
        }
      }
      #expect(try await fleet.letters().map(\.id.text) == [id])
      let mended = try await fleet.bench.shell(
        "EDITOR=\(Self.quoted("sed -i s/5/6/")) ostler dl edit \(id) --wait --reason 'wrong server'")
      #expect(mended.status == 0, "\(mended.complaints)")
      #expect(mended.output.contains("1 applied"))
      #expect(try await fleet.version(of: 6) == 2)
      let trail = try await fleet.bench.ostler("dl", "audit", id, "--json").objects()
      #expect(trail.map { $0["action"] as? String } == ["edit"])
      #expect(trail.first?["linkedLetter"] as? String == (try await fleet.letters("--state resolved").first?.id.text))
      let again = try await fleet.bench.shell("ostler dl reopen \(id)")
      #expect(again.status == 0 && again.complaints.contains("it was edited"), "\(again.complaints)")
    }
  }

  private static func quoted(_ text: String) -> String {
    "'" + text.replacingOccurrences(of: "'", with: #"'\''"#) + "'"
  }

  @Test("A bulk on a terminal asks first; without a terminal nothing asks")
  func confirmation() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish((0..<3).map { .isolate(Int64(100 + $0), op: UInt64($0)) })
      try await fleet.letters(count: 3)
      let no = try await fleet.bench.shell("echo n | script -qec 'ostler dl discard --all --reason r' /dev/null")
      #expect(no.output.contains("Discard 3 letters? [y/N]"), "\(no.output)")
      #expect(no.status == 1)
      #expect(try await fleet.letters().count == 3)
      let forced = try await fleet.bench.shell("script -qec 'ostler dl discard --all --yes --reason r' /dev/null")
      #expect(forced.status == 0 && forced.output.contains("3 discarded"), "\(forced.output)")
      try await fleet.done("dl reopen --state discarded")
      #expect(try await fleet.letters().count == 3)
      let narrow = try await fleet.bench.shell("script -qec 'stty cols 80; ostler dl list --limit 3' /dev/null")
      let short = try #require(try await fleet.letters().first?.id.text?.prefix(8))
      #expect(narrow.output.contains(short) && !narrow.output.contains("\(short)-"), "\(narrow.output)")
      let lines = narrow.output.replacingOccurrences(of: "\r", with: "").split(separator: "\n")
      #expect(lines.count == 4 && lines.allSatisfy { $0.count <= 80 }, "\(narrow.output)")
      let page = try await fleet.bench.shell("script -qec 'ostler dl list --limit 2' /dev/null")
      #expect(page.output.contains("2 of 3; the next page: add --after "), "\(page.output)")
      let after = try #require(page.output.split(separator: " ").last).trimmingCharacters(in: .whitespacesAndNewlines)
      #expect(try await fleet.letters("--after \(after)").count == 1)
    }
  }

  @Test("A store that is locked for long, that is not there, or that may not be written: status 69, and why")
  func storeInTrouble() async throws {
    try await Bench.with { bench in
      let missing = try await bench.ostler("dl", "replay", "--all")
      #expect(missing.status == 69)
      #expect(missing.complaints.contains("There is no store"), "\(missing.complaints)")
      #expect(!FileManager.default.fileExists(atPath: bench.path("ostler.sqlite")))

      let store = try Store.open(at: bench.path("ostler.sqlite"))
      let (locked, isLocked) = AsyncStream.makeStream(of: Void.self)
      let release = DispatchSemaphore(value: 0)
      async let holding: Void = store.commit(owner: nil) { _ throws(StoreError) in
        isLocked.yield()
        release.wait()
      }
      for await _ in locked { break }
      try bench.write(Self.line, to: "letters.jsonl")
      let busy = try await bench.ostler("dl", "import", "letters.jsonl")
      release.signal()
      try await holding
      #expect(busy.status == 69)
      #expect(busy.complaints.contains("locked") || busy.complaints.contains("busy"), "\(busy.complaints)")
      let later = try await bench.ostler("dl", "import", "letters.jsonl")
      #expect(later.status == 0, "\(later.complaints)")
      await store.close()
    }
  }

  private static let line = """
    {"id":"24d97955-34ca-460e-bcca-eaad60d41727","state":"open","command":"isolate","code":"unknown-server","message":"m",\
    "details":{},"receivedAt":"2026-11-23T18:14:18.689Z","count":1,"attempts":0,"bodyBase64":"","properties":{},\
    "headers":[],"stateSince":"2026-11-23T18:14:18.689Z","lastSeenAt":"2026-11-23T18:14:18.689Z","queue":"q",\
    "exchange":"e","routingKey":"r","bodySize":0,"bodySha256Base64":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",\
    "sameMessageBase64":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=","replays":[]}

    """
}
