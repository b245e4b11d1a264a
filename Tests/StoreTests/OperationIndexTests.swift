import Lifecycle
import Store
import Testing

/// Operations are filed away 65,536 at a time: whatever was recorded is found, on whichever side of that it is.
@Suite struct OperationIndexTests {
  static let generation = 65_536

  /// Records operations with these numbers, in one transaction for every ten thousand.
  private func record(_ numbers: Range<UInt64>, in store: Store, attempt: Int = 1) async throws {
    var first = numbers.lowerBound
    while first < numbers.upperBound {
      let part = first..<min(first + 10_000, numbers.upperBound)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for number in part { try transaction.record(plain(number, attempt: attempt)) }
      }
      first = part.upperBound
    }
  }

  private func plain(_ number: UInt64, attempt: Int = 1) -> OperationRecord {
    OperationRecord(
      key: key(number), attempt: attempt, fingerprint: Fingerprint(high: number, low: 1), outcome: .applied,
      decidedAt: t0 + .milliseconds(Int(number)))
  }

  /// A selection from all of them, the edges of the generations included.
  private func probes(of count: UInt64) -> [UInt64] {
    let edge = UInt64(Self.generation)
    return (stride(from: 0, to: count, by: 997) + [edge - 1, edge, 2 * edge - 1, 2 * edge, count - 1])
      .filter { $0 < count }
  }

  @Test("found by the one who recorded them, by readers, and by whoever opens the store again; nothing else is")
  func found() async throws {
    let count = UInt64(2 * Self.generation + 500)
    let directory = try TemporaryDirectory()
    let probes = probes(of: count)
    let store = try Store.open(at: directory.storePath)
    try await record(0..<count, in: store)
    // Later attempts of some that were filed long ago: they come back together, in the order of their attempts.
    try await store.commit(owner: nil) { (transaction) throws(StoreError) in
      for number in probes { try transaction.record(plain(number, attempt: 2)) }
    }
    @Sendable func check(_ snapshot: Snapshot) throws(StoreError) {
      for number in probes {
        #expect(try snapshot.attempts(of: key(number)) == [plain(number), plain(number, attempt: 2)])
      }
      for number in count..<count + 2000 { #expect(try snapshot.attempts(of: key(number)).isEmpty) }
    }
    try await store.commit(owner: nil) { (transaction) throws(StoreError) in try check(transaction) }
    try await store.read { (snapshot) throws(StoreError) in try check(snapshot) }
    await store.close()

    let again = try Store.open(at: directory.storePath)
    try await again.commit(owner: nil) { (transaction) throws(StoreError) in
      try check(transaction)
      // The ids go on where they were.
      try transaction.record(plain(count))
      #expect(try transaction.attempts(of: key(count)) == [plain(count)])
    }
    await again.close()
    let raw = try RawDatabase(at: directory.storePath)
    #expect(try raw.text("SELECT count(*) - max(id) FROM operations") == "0")
    #expect(try raw.text("SELECT count(*) FROM operation_generations") == "2")
  }

  @Test("a transaction that fails while a generation is filed has filed nothing")
  func failure() async throws {
    try await withStore { store, _ in
      let edge = UInt64(Self.generation)
      try await record(0..<edge - 2, in: store)
      await #expect(throws: StoreError.self) {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          for number in edge..<edge + 10 { try transaction.record(plain(number)) }
          throw StoreError(.busy, "as if")
        }
      }
      try await record(edge - 2..<edge + 5, in: store)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for number in probes(of: edge + 5) { #expect(try transaction.attempts(of: key(number)) == [plain(number)]) }
        for number in edge + 5..<edge + 10 { #expect(try transaction.attempts(of: key(number)).isEmpty) }
      }
    }
  }

  @Test("what another connection recorded meanwhile is found")
  func others() async throws {
    try await withStore { store, directory in
      let other = try Store.openForOperator(at: directory.storePath)
      try await record(0..<10, in: store)
      try await record(10..<20, in: other)
      try await record(20..<30, in: store)
      for store in [store, other] {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          for number in UInt64(0)..<30 { #expect(try transaction.attempts(of: key(number)) == [plain(number)]) }
        }
      }
      await other.close()
    }
  }

  @Test("generations of which nothing is left are forgotten, and those with the key of an open letter are not")
  func pruned() async throws {
    try await withStore { store, directory in
      let edge = UInt64(Self.generation)
      try await record(0..<2 * edge + 10, in: store)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.keep(letter(1, state: .open), ofKey: key(7))
      }
      func prune(before number: UInt64) async throws {
        var progress: OperationPruning?
        repeat {
          let last = progress
          progress = try await store.commit(owner: nil) { (transaction) throws(StoreError) in
            try transaction.pruneOperations(
              decidedBefore: t0 + .milliseconds(Int(number)), limit: 10_000, after: last)
          }
        } while progress?.isDone == false
      }
      let raw = try RawDatabase(at: directory.storePath)
      try await prune(before: edge + 5)
      #expect(try raw.text("SELECT count(*) FROM operations") == "\(edge + 5 + 1)")
      #expect(try raw.text("SELECT count(*) FROM operation_generations") == "2")
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        #expect(try transaction.attempts(of: key(7)) == [plain(7)])
        #expect(try transaction.attempts(of: key(8)).isEmpty)
        #expect(try transaction.attempts(of: key(edge + 4)).isEmpty)
        #expect(try transaction.attempts(of: key(edge + 5)) == [plain(edge + 5)])
        _ = try transaction.setState(of: id(1), to: .resolved, from: [.open], at: t0)
      }
      try await prune(before: 3 * edge)
      #expect(try raw.text("SELECT count(*) FROM operations") == "0")
      #expect(try raw.text("SELECT group_concat(generation) FROM operation_generations") == "1")
      #expect(try raw.text("SELECT min(bucket) FROM operation_index") == "128")
      // Ids never come again.
      try await record(5 * edge..<5 * edge + 1, in: store)
      #expect(try raw.text("SELECT max(id) > 131072 FROM operations") == "1")
    }
  }
}
