import Lifecycle
import Store
import Testing

@Suite("Replays in the store") struct ReplayTests {
  private static let refusal = Rejection(.quotaExceeded, "no room", details: [])

  @Test("asked, published, succeeded: the letter is resolved, and the audit trail tells it")
  func success() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.keep(whole(1), ofKey: nil)
        let asked = try transaction.askReplay(of: id(1), by: "ann", reason: "why", at: t0, maxFailures: 5)
        #expect(asked == .asked(attempt: 1))
        let during = try transaction.letter(id(1))
        #expect(during?.state == .replaying && during?.attempts == 1)
        #expect(try transaction.runningReplayCount() == 1)
        #expect(try transaction.publishedReplayCount() == 0)
        #expect(try transaction.replayResult(of: id(1), attempt: 1)?.result == nil)
        let replay = try transaction.attempt(1, of: 1)
        #expect(try transaction.replaysToPublish(limit: 9, maxBytes: 1 << 20).map(\.replay) == [replay])
        #expect(replay.askedBy == "ann" && replay.reason == "why" && replay.state == .asked && replay.isRunning)
        try transaction.markPublished(replay)
        #expect(try transaction.publishedReplayCount() == 1)
        #expect(try transaction.replaysToPublish(limit: 9, maxBytes: 1 << 20).isEmpty)
        try transaction.end(replay, with: .applied, at: t0 + .seconds(2))
        #expect(try transaction.letter(id(1))?.state == .resolved)
        #expect(try transaction.runningReplayCount() == 0)
        let ended = try transaction.replayResult(of: id(1), attempt: 1)
        #expect(ended?.replay.state == .succeeded && ended?.replay.endedAt == t0 + .seconds(2))
        #expect(ended?.result == "applied")
        let trail = try transaction.audit(of: id(1), limit: 10).entries
        #expect(trail.map(\.action) == [.replay])
        #expect(trail.first?.who == "ann" && trail.first?.result == "applied" && trail.first?.attempt == 1)
      }
    }
  }

  @Test("a replay that fails opens the same letter again, with the new reason; attempts count on")
  func failure() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.keep(whole(1, state: .answered), ofKey: nil)
        for attempt in 1...2 {
          let asked = try transaction.askReplay(of: id(1), by: "ann", reason: nil, at: t0, maxFailures: 5)
          #expect(asked == .asked(attempt: attempt))
          let replay = try transaction.attempt(attempt, of: 1)
          try transaction.end(
            replay, with: .rejected(Self.refusal, detailsJSON: "{\"limit\":3}"), at: t0 + .seconds(attempt))
          let opened = try transaction.letter(id(1))
          #expect(opened?.state == .open && opened?.attempts == attempt && opened?.count == 1)
          #expect(opened?.code == .quotaExceeded && opened?.message == "no room")
          #expect(opened?.details == "{\"limit\":3}" && opened?.lastSeenAt == t0 + .seconds(attempt))
        }
        #expect(try transaction.replays(of: id(1)).map(\.state) == [.failed, .failed])
        #expect(try transaction.letterCounts()[.open] == 1)
      }
    }
  }

  @Test("the loop guard counts failures, not attempts, and can be lifted")
  func loopGuard() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.keep(whole(1), ofKey: nil)
        for attempt in 1...3 {
          _ = try transaction.askReplay(of: id(1), by: "ann", reason: nil, at: t0, maxFailures: 2)
          let replay = try transaction.attempt(attempt, of: 1)
          if attempt == 2 {
            _ = try transaction.reopen(id(1), by: "ann", reason: nil, at: t0)
          } else {
            try transaction.end(replay, with: .rejected(Self.refusal, detailsJSON: "{}"), at: t0)
          }
        }
        let refused = try transaction.askReplay(of: id(1), by: "ann", reason: nil, at: t0, maxFailures: 2)
        #expect(refused == .refused(.failedTooOften(2)))
        #expect(try transaction.letter(id(1))?.state == .open)
        let forced = try transaction.askReplay(of: id(1), by: "ann", reason: nil, at: t0, maxFailures: nil)
        #expect(forced == .asked(attempt: 4))
      }
    }
  }

  @Test("what cannot be replayed is refused with its reason, and nothing changes")
  func refusals() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        var cut = whole(1)
        cut.bodySize += 1
        var foreign = whole(2)
        foreign.code = .foreign
        var unknown = whole(3)
        unknown.code = .unknownCommand
        var misspelt = whole(4)
        misspelt.command = "alocate"
        let cases: [(DeadLetter, ReplayRequest.Refusal)] = [
          (cut, .bodyIncomplete), (foreign, .noCommand), (unknown, .noCommand), (misspelt, .noCommand),
          (whole(5, state: .resolved), .notOpen(.resolved)), (whole(6, state: .discarded), .notOpen(.discarded)),
        ]
        for (letter, expected) in cases {
          try transaction.keep(letter, ofKey: nil)
          let request = try transaction.askReplay(of: letter.id, by: "ann", reason: nil, at: t0, maxFailures: nil)
          #expect(request == .refused(expected))
          #expect(try transaction.letter(letter.id) == letter)
        }
        let gone = try transaction.askReplay(of: id(99), by: "ann", reason: nil, at: t0, maxFailures: nil)
        #expect(gone == .refused(.unknownLetter))
        #expect(try transaction.runningReplayCount() == 0)
        #expect(try transaction.audit(limit: 10).entries.isEmpty)
      }
    }
  }

  @Test("two who ask for the same letters at the same time: one replay of each")
  func twoAskers() async throws {
    try await withStore(options: StoreOptions(busyTimeout: .seconds(10))) { store, directory in
      let count: UInt64 = 200
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for number in 1...count { try transaction.keep(whole(number), ofKey: nil) }
      }
      let other = try Store.openForOperator(
        at: directory.storePath, options: StoreOptions(busyTimeout: .seconds(10)))
      func ask(_ store: Store, _ who: String) async throws -> Int {
        var asked = 0
        for number in 1...count {
          let request = try await store.commit(owner: nil) { (transaction) throws(StoreError) in
            try transaction.askReplay(of: id(number), by: who, reason: nil, at: t0, maxFailures: 5)
          }
          switch request {
          case .asked(let attempt):
            #expect(attempt == 1)
            asked += 1
          case .refused(let refusal): #expect(refusal == .notOpen(.replaying))
          }
        }
        return asked
      }
      async let first = ask(store, "ann")
      async let second = ask(other, "bob")
      let total = try await first + second
      #expect(total == Int(count))
      await other.close()
      try await store.read { (snapshot) throws(StoreError) in
        #expect(try snapshot.runningReplayCount() == Int(count))
        #expect(try snapshot.audit(limit: 1000).entries.count == Int(count))
      }
    }
  }

  @Test("for one server they go one after the other, in the order in which they were asked for")
  func orderPerServer() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for (number, server) in [(1, 10), (2, 20), (3, 10), (4, nil), (5, nil), (6, 20)] as [(UInt64, Int64?)] {
          var kept = whole(number)
          kept.serverID = server.map { ServerID($0) }
          try transaction.keep(kept, ofKey: nil)
          _ = try transaction.askReplay(of: kept.id, by: "ann", reason: nil, at: t0, maxFailures: nil)
        }
        func next(_ limit: Int = 9) throws(StoreError) -> [Replay] {
          try transaction.replaysToPublish(limit: limit, maxBytes: 1 << 20).map(\.replay)
        }
        #expect(try next().map(\.letterID) == [1, 2, 4, 5].map { id($0) })
        #expect(try next(2).map(\.letterID) == [1, 2].map { id($0) })
        for replay in try next() { try transaction.markPublished(replay) }
        // Published is not over.
        #expect(try next().isEmpty)
        let first = try transaction.attempt(1, of: 1)
        let second = try transaction.attempt(1, of: 2)
        try transaction.end(first, with: .unchanged, at: t0)
        #expect(try next().map(\.letterID) == [id(3)])
        // One that was given up makes room as well.
        #expect(try transaction.reopen(second.letterID, by: "ann", reason: nil, at: t0) == nil)
        #expect(try next().map(\.letterID) == [3, 6].map { id($0) })
      }
    }
  }

  @Test("what is to be published is bounded in bytes, and is at least one")
  func bounded() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for number in 1...5 as ClosedRange<UInt64> {
          var kept = whole(number)
          kept.serverID = nil
          kept.body = [UInt8](repeating: 7, count: 1000)
          kept.bodySize = 1000
          try transaction.keep(kept, ofKey: nil)
          _ = try transaction.askReplay(of: kept.id, by: "ann", reason: nil, at: t0, maxFailures: nil)
        }
        #expect(try transaction.replaysToPublish(limit: 9, maxBytes: 1).count == 1)
        #expect(try transaction.replaysToPublish(limit: 9, maxBytes: 1500).count == 2)
        #expect(try transaction.replaysToPublish(limit: 3, maxBytes: 1 << 20).count == 3)
      }
    }
  }

  @Test("a confirm that comes after the end changes nothing")
  func lateConfirm() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.keep(whole(1), ofKey: nil)
        _ = try transaction.askReplay(of: id(1), by: "ann", reason: nil, at: t0, maxFailures: nil)
        let replay = try transaction.attempt(1, of: 1)
        try transaction.end(replay, with: .applied, at: t0)
        try transaction.markPublished(replay)
        #expect(try transaction.replay(of: id(1), attempt: 1)?.state == .succeeded)
      }
    }
  }

  @Test("a letter that a later attempt resolved while its replay ran stays resolved")
  func resolvedMeanwhile() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        var kept = whole(1)
        kept.attempt = 1
        try transaction.keep(kept, ofKey: key(1))
        _ = try transaction.askReplay(of: id(1), by: "ann", reason: nil, at: t0, maxFailures: nil)
        #expect(try transaction.resolveLetters(ofKey: key(1), before: 2, at: t0) == 1)
        let replay = try transaction.attempt(1, of: 1)
        try transaction.end(replay, with: .rejected(Self.refusal, detailsJSON: "{}"), at: t0)
        #expect(try transaction.letter(id(1))?.state == .resolved)
        #expect(try transaction.replays(of: id(1)).map(\.state) == [.failed])
      }
    }
  }

  @Test("pruning takes the replays of what is pruned, never a letter that is open or being replayed; the trail stays")
  func prune() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for number in 1...3 as ClosedRange<UInt64> {
          try transaction.keep(whole(number), ofKey: nil)
          _ = try transaction.askReplay(of: id(number), by: "ann", reason: nil, at: t0, maxFailures: nil)
        }
        for (number, result) in [
          (1, ReplayResult.applied), (2, .rejected(Self.refusal, detailsJSON: "{}")),
        ] as [(UInt64, ReplayResult)] {
          let replay = try transaction.attempt(1, of: number)
          try transaction.end(replay, with: result, at: t0)
        }
        let late = t0 + .seconds(1_000_000)
        #expect(try transaction.pruneLetters(closedBefore: late, answeredBefore: late, limit: 10) == 1)
        #expect(try transaction.letter(id(1)) == nil)
        #expect(try transaction.replays(of: id(1)).isEmpty)
        #expect(try transaction.letter(id(2))?.state == .open)
        #expect(try transaction.letter(id(3))?.state == .replaying)
        #expect(try transaction.replayResult(of: id(1), attempt: 1) == nil)
        #expect(try transaction.audit(of: id(1), limit: 9).entries.count == 1)
        #expect(try transaction.pruneAudit(before: late, limit: 10) == 1)
        #expect(try transaction.audit(limit: 9).entries.count == 2)
      }
    }
  }
}
