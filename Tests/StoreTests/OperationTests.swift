import Lifecycle
import Store
import Testing

@Suite struct OperationTests {
  @Test("SipHash-2-4 gives the values of its authors' test vectors")
  func vectors() {
    let hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
    #expect(hash.hash([]) == 0x726f_db47_dd0e_0e31)
    #expect(hash.hash((0..<15).map { UInt8($0) }) == 0xa129_ca61_49be_45e5)
  }

  static let quota = QuotaKey(
    clientID: ClientID(2), contractID: ContractID("C-1"), locationID: LocationID(3), instanceTypeID: InstanceTypeID(4))

  /// Stored keys are compared with keys of later releases: these bytes may never change.
  @Test(
    "the stored form of a key does not change",
    arguments: [
      (
        OperationKey(.onServer(ServerID(5), .unisolate), id: .uuid(UUID128(high: 1, low: 2))),
        "0500" + "0000000000000001" + "0000000000000002" + "01" + "0000000000000005"
      ),
      (
        OperationKey(
          .allocate(
            AllocateRequest(locationID: LocationID(1), instanceTypeID: InstanceTypeID(1), clientID: ClientID(1))),
          id: .messageID("ab")), "0101" + "026162" + "00"
      ),
      // 255 bytes that are no text are as many characters of four bytes each.
      (
        OperationKey(
          .allocate(
            AllocateRequest(locationID: LocationID(1), instanceTypeID: InstanceTypeID(1), clientID: ClientID(1))),
          id: .messageID(String(repeating: "\u{10FEFF}", count: 255))),
        "0101" + "FF03FC" + String(repeating: "F48FBBBF", count: 255) + "00"
      ),
      (
        OperationKey(.setQuota(quota, limit: 3), id: .messageID("ab")),
        "0C01" + "026162" + "02" + "0000000000000002" + "0000000000000003" + "0000000000000004" + "03432D31"
      ),
    ])
  func keyBytes(key: OperationKey, hex: String) async throws {
    try await withStore { store, directory in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in try transaction.record(record(key)) }
      let raw = try RawDatabase(at: directory.storePath)
      #expect(try raw.text("SELECT hex(key) FROM operations") == hex)
    }
  }

  @Test("attempts come back as they were recorded, and only those of that very key")
  func attempts() async throws {
    try await withStore { store, _ in
      let keys = [
        key(1), key(2), key(1, server: 2),
        OperationKey(.onServer(ServerID(1), .decommission(reason: nil)), id: .uuid(id(1))),
        OperationKey(.onServer(ServerID(1), .unisolate), id: .messageID(id(1).description)),
        OperationKey(.setQuota(Self.quota, limit: 1), id: .uuid(id(1))),
      ]
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for key in keys {
          #expect(try transaction.attempts(of: key).isEmpty)
          for attempt in 1...3 { try transaction.record(record(key, attempt: attempt)) }
        }
        let bare = OperationRecord(
          key: key(9), attempt: 1, fingerprint: Fingerprint(high: 0, low: 0), outcome: .rejected, decidedAt: t0)
        try transaction.record(bare)
        #expect(try transaction.attempts(of: key(9)) == [bare])
      }
      try await store.read { (snapshot) throws(StoreError) in
        for key in keys {
          #expect(try snapshot.attempts(of: key) == (1...3).map { record(key, attempt: $0) })
        }
        #expect(try snapshot.attempts(of: key(3)).isEmpty)
      }
    }
  }

  @Test("a replay replaces the record of its attempt, and only that")
  func replace() async throws {
    try await withStore { store, _ in
      let again = OperationRecord(
        key: key(1), attempt: 2, fingerprint: Fingerprint(high: 7, low: 8), outcome: .unchanged, decidedAt: t0)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.record(record(key(1)))
        try transaction.record(record(key(1), attempt: 2))
        try transaction.replace(again)
        #expect(try transaction.attempts(of: key(1)) == [record(key(1)), again])
      }
      let error = await #expect(throws: StoreError.self) {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          try transaction.replace(record(key(5)))
        }
      }
      #expect(error?.code == .defect)
    }
  }

  @Test("pruning goes by age, in bounded steps, and spares the keys of open letters")
  func prune() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for number in 1...100 {
          try transaction.record(record(key(UInt64(number)), at: t0 + .seconds(number)))
        }
        let states: [DeadLetterState] = [.open, .replaying, .answered, .resolved, .discarded]
        for (number, state) in states.enumerated() {
          try transaction.keep(letter(UInt64(number + 1), state: state), ofKey: key(UInt64(number + 1)))
        }
      }
      var steps = 0
      var progress: OperationPruning?
      repeat {
        let last = progress
        progress = try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          try transaction.pruneOperations(decidedBefore: t0 + .seconds(51), limit: 20, after: last)
        }
        steps += 1
      } while progress?.isDone == false
      #expect(steps == 3)
      #expect(progress?.deleted == 48)
      try await store.read { (snapshot) throws(StoreError) in
        for number in 1...100 {
          let isKept = number <= 2 || number > 50
          #expect(try snapshot.attempts(of: key(UInt64(number))).isEmpty == !isKept, "\(number)")
        }
      }
    }
  }
}
