import Lifecycle
import Logging
import Store
import Synchronization
import TestSupport
import Testing
import Worker

@Suite("What operators did to dead letters")
struct LetterTrailTests {
  @Test("a line says who discarded which letter and why, the counters count all, and what was done before is not told")
  func discarded() async throws {
    let desk = try await Desk()
    let log = LineLog()
    let registry = PrometheusRegistry()
    var trail = LetterTrail(
      store: desk.store, instruments: Instruments(factory: registry), logger: Logger(label: "test") { _ in log })
    let letters = try await (1...4).asyncLetters(at: desk)
    try await desk.discard(letters[0], because: "before")
    try await trail.follow()
    #expect(log.lines.isEmpty)

    try await desk.discard(letters[1], because: "ordered again")
    let replayed = letters[2]
    try await desk.store.commit(owner: nil) { [now = desk.now] transaction throws(StoreError) in
      _ = try transaction.askReplay(of: replayed, by: "ann", reason: nil, at: now, maxFailures: nil)
      _ = try transaction.reopen(letters[1], by: "bob", reason: nil, at: now)
    }
    try await trail.follow()
    #expect(
      log.lines == [
        "dead letter discarded actor.name=ann dead_letter.id=\(letters[1]) reason=ordered again",
        "dead letter reopened actor.name=bob dead_letter.id=\(letters[1]) reason=-",
      ])
    try await trail.follow()
    #expect(log.lines.count == 2, "once is enough")
    let text = registry.exposition()
    #expect(text.contains("ostler_dead_letters_events{event=\"discarded\"} 1\n"), "\(text)")
    #expect(text.contains("ostler_dead_letters_events{event=\"reopened\"} 1\n"), "\(text)")
  }

  @Test("a flood of them is twenty lines, a count, and every one in the counter")
  func flood() async throws {
    let desk = try await Desk()
    let log = LineLog()
    let registry = PrometheusRegistry()
    var trail = LetterTrail(
      store: desk.store, instruments: Instruments(factory: registry), logger: Logger(label: "test") { _ in log })
    let letters = try await (1...25).asyncLetters(at: desk)
    try await trail.follow()
    for letter in letters { try await desk.discard(letter, because: "over") }
    try await trail.follow()
    #expect(log.lines.count == 21)
    #expect(log.lines.last == "and more dead letters count=5")
    #expect(registry.exposition().contains("ostler_dead_letters_events{event=\"discarded\"} 25\n"))
  }
}

extension ClosedRange<Int64> {
  /// A dead letter for each of these servers, which nobody has enrolled.
  fileprivate func asyncLetters(at desk: Desk) async throws -> [UUID128] {
    for server in self { try await desk.run(.isolate(server, op: UInt64(server))) }
    desk.monotonic += desk.patience
    _ = try await desk.process([])
    return try await desk.store.read { snapshot throws(StoreError) in
      try snapshot.letters(limit: 1000).letters.map(\.id)
    }
  }
}

extension Desk {
  fileprivate func discard(_ letter: UUID128, because reason: String) async throws {
    let refusal = try await store.commit(owner: nil) { [now] transaction throws(StoreError) in
      try transaction.discard(letter, by: "ann", reason: reason, at: now)
    }
    try #require(refusal == nil)
  }
}

/// Keeps what is logged, a text a line.
private struct LineLog: LogHandler {
  private final class Lines: Sendable {
    let all = Mutex<[String]>([])
  }
  private let kept = Lines()
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .info
  var lines: [String] { kept.all.withLock { $0 } }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
    kept.all.withLock { $0.append("\(event.message)\(fields.joined())") }
  }
}
