import Lifecycle
import Store
import TestSupport
import Testing
import Worker

/// Thousands of commands with copies, later attempts, conflicts, overtaking, jumps of the clock and transactions that
/// fail, in batches of any size: what the store and the events say must agree.
@Suite struct RandomBatchTests {
  @Test(arguments: 0..<4 as Range<UInt64>)
  func anyLoadInAnyBatches(seed: UInt64) async throws {
    var random = SeededRandom(seed: seed)
    let desk = try await Desk(parkingLimit: 8)
    var load = MixedLoad(servers: 25, clients: 4)
    var sent: [Order] = []
    var settled: Set<UInt64> = []
    var delivered = 0
    var queue = load.beginning()
    for _ in 0..<80 {
      queue += load.next(Int.random(in: 1...12, using: &random), using: &random)
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        guard let copy = sent.randomElement(using: &random) else { break }
        queue.append(Bool.random(using: &random) ? copy : copy.attempt(Int.random(in: 1...3, using: &random)))
      }
      queue.shuffle(using: &random)
      let batch = queue.prefix(Int.random(in: 0...30, using: &random))
      queue.removeFirst(batch.count)
      sent += batch
      delivered += batch.count
      let received = batch.map { desk.intake.receive(desk.delivery($0), from: .commands($0.command)) }
      desk.now = desk.now + .milliseconds(Int.random(in: -2000...4000, using: &random))
      desk.monotonic += .seconds(Int.random(in: 0...6, using: &random))
      if Int.random(in: 0..<5, using: &random) == 0 {
        await #expect(throws: StoreError.self) { try await desk.process(received, failing: StoreError(.busy, "busy")) }
      }
      let result = try await desk.process(received)
      for tag in result.settledTags { #expect(settled.insert(tag).inserted, "seed \(seed): settled twice") }
      #expect(settled.count + desk.lot.count == delivered, "seed \(seed): each is settled or parked")
      if Int.random(in: 0..<4, using: &random) == 0 { try await desk.snapshotChunk(7) }
    }
    desk.monotonic += .seconds(60)
    try await desk.run()
    #expect(desk.lot.isEmpty, "seed \(seed)")
    while try await desk.snapshotChunk() {}

    let probe = try StoreProbe(desk.directory.storePath)
    let events = try await desk.newEvents()
    #expect(try Promises.broken(received: events, store: probe) == [], "seed \(seed)")
    #expect(Mirror(following: events).states == (try probe.states()), "seed \(seed)")
    #expect(Counter(counting: events).live == (try probe.liveAllocations()), "seed \(seed)")
    let times = Dictionary(grouping: events.filter { $0.source.hasPrefix("/servers/") }, by: \.source)
    for (source, story) in times {
      #expect(story.map(\.time) == story.map(\.time).sorted(), "seed \(seed): the time of \(source) went backwards")
    }
    // An applied operation is applied once, whatever its copies: one event of a server tells of it.
    let twice = try probe.number(
      "SELECT count(*) FROM (SELECT key FROM operations WHERE outcome = 'applied' GROUP BY key, attempt HAVING count(*) > 1)"
    )
    #expect(twice == 0, "seed \(seed)")
    #expect(try probe.rows("PRAGMA foreign_key_check").isEmpty)
    #expect(try probe.rows("PRAGMA integrity_check") == [["ok"]])
  }
}
