import Lifecycle
import Store
import TestSupport
import Testing
import Worker

@Suite("Whether a worker may run on its store")
struct StartCheckTests {
  static let ours = UUID128(randomHigh: 1, randomLow: 1)
  static let other = UUID128(randomHigh: 2, randomLow: 2)
  static let time = Timestamp(milliseconds: 1_790_000_000_000)

  enum Expected: Sendable { case mayRun, anotherStore, behind }

  struct Row: Sendable, CustomTestStringConvertible {
    let store: (epoch: Int64, position: Int64)
    let log: (storeID: UUID128, epoch: Int64, position: Int64)?
    let expected: Expected
    var testDescription: String { "store \(store), log \(log.map { "\($0)" } ?? "empty")" }
  }

  @Test(
    "every relation of a store to the end of the log",
    arguments: [
      Row(store: (1, 0), log: nil, expected: .mayRun),
      Row(store: (3, 99), log: nil, expected: .mayRun),
      Row(store: (1, 10), log: (ours, 1, 10), expected: .mayRun),
      Row(store: (1, 11), log: (ours, 1, 10), expected: .mayRun),
      Row(store: (1, 9), log: (ours, 1, 10), expected: .behind),
      Row(store: (1, 0), log: (ours, 1, 1), expected: .behind),
      // Restored: positions of an earlier epoch do not count, however high.
      Row(store: (2, 5), log: (ours, 1, 10), expected: .mayRun),
      Row(store: (2, 5), log: (ours, 2, 6), expected: .behind),
      // A restored store went on, and here is the one of before.
      Row(store: (1, 100), log: (ours, 2, 6), expected: .behind),
      Row(store: (1, 10), log: (other, 1, 10), expected: .anotherStore),
      Row(store: (1, 0), log: (other, 1, 1), expected: .anotherStore),
      Row(store: (9, 900), log: (other, 1, 1), expected: .anotherStore),
    ])
  func table(row: Row) async throws {
    let meta = try await Self.meta(row.store)
    let end = row.log.map {
      LogEnd(storeID: $0.storeID, place: LogPlace(epoch: $0.epoch, position: $0.position), time: Self.time)
    }
    let check = StartCheck(meta, end: end)
    switch row.expected {
    case .mayRun: #expect(check == .mayRun)
    case .anotherStore: #expect(try check == .anotherStore(#require(end)))
    case .behind: #expect(try check == .behind(#require(end)))
    }
    let refusal = check.refusal(meta, at: "x.sqlite", log: "server.events.log")
    #expect((refusal == nil) == (check == .mayRun))
  }

  @Test("a refusal says what is missing, of which time, and what to do")
  func messages() async throws {
    let meta = try await Self.meta((1, 1000))
    func refusal(_ storeID: UUID128, _ epoch: Int64, _ position: Int64) throws -> String {
      let end = LogEnd(storeID: storeID, place: LogPlace(epoch: epoch, position: position), time: Self.time)
      return try #require(StartCheck(meta, end: end).refusal(meta, at: "x.sqlite", log: "server.events.log"))
    }
    for part in ["500 events are missing", "positions 1001 to 1500", "\(Self.time)", "ostler restore x.sqlite"] {
      #expect(try refusal(Self.ours, 1, 1500).contains(part), "\(part)")
    }
    #expect(try refusal(Self.ours, 1, 1001).contains("1 event is missing, position 1001"))
    #expect(try refusal(Self.ours, 2, 7).contains("go on to epoch 2, position 7"))
    for part in ["\(Self.other)", "\(Self.ours)", "store.path", "amqp.namespace", "delete_queue server.events.log"] {
      #expect(try refusal(Self.other, 1, 5).contains(part), "\(part)")
    }
  }

  /// What a store with that identity says of itself.
  static func meta(_ place: (epoch: Int64, position: Int64)) async throws -> StoreMeta {
    let directory = try TemporaryDirectory()
    let store = try Store.open(at: directory.storePath)
    let raw = try StoreProbe(directory.storePath)
    let id = ours.description.filter { $0 != "-" }
    try raw.rows(
      "UPDATE meta SET store_id = x'\(id)', epoch = \(place.epoch), last_position = \(place.position) WHERE id = 1")
    let meta = try await store.read { snapshot throws(StoreError) in try snapshot.meta() }
    await store.close()
    return meta
  }
}
