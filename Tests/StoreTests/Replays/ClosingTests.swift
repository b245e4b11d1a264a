import Lifecycle
import Store
import Testing

@Suite("Discarding, reopening, editing and importing letters") struct ClosingTests {
  @Test("discarding closes an open or answered letter only, and reopening undoes it")
  func discardAndReopen() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for (number, state) in DeadLetterState.allCases.enumerated() {
          let number = UInt64(number + 1)
          try transaction.keep(whole(number, state: state), ofKey: nil)
          let refusal = try transaction.discard(id(number), by: "ann", reason: "gone", at: t0 + .seconds(1))
          switch state {
          case .open, .answered:
            #expect(refusal == nil)
            #expect(try transaction.letter(id(number))?.state == .discarded)
            #expect(try transaction.discard(id(number), by: "ann", reason: "x", at: t0) == .wrongState(.discarded))
            #expect(try transaction.reopen(id(number), by: "bob", reason: nil, at: t0 + .seconds(2)) == nil)
            #expect(try transaction.letter(id(number))?.state == .open)
            #expect(try transaction.letter(id(number))?.stateSince == t0 + .seconds(2))
            let trail = try transaction.audit(of: id(number), limit: 9).entries
            #expect(trail.map(\.action) == [.discard, .reopen])
            #expect(trail.map(\.who) == ["ann", "bob"] && trail.first?.reason == "gone")
          case .replaying, .resolved, .discarded:
            #expect(refusal == .wrongState(state))
            #expect(try transaction.letter(id(number))?.state == state)
            #expect(try transaction.audit(of: id(number), limit: 9).entries.isEmpty)
          }
        }
        #expect(try transaction.discard(id(99), by: "ann", reason: "x", at: t0) == .unknownLetter)
        #expect(try transaction.reopen(id(99), by: "ann", reason: nil, at: t0) == .unknownLetter)
      }
    }
  }

  @Test("reopening frees a letter whose replay never came back; that attempt is given up for good")
  func reopenReplaying() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.keep(whole(1), ofKey: nil)
        _ = try transaction.askReplay(of: id(1), by: "ann", reason: nil, at: t0, maxFailures: nil)
        #expect(try transaction.reopen(id(1), by: "bob", reason: "purged", at: t0 + .seconds(1)) == nil)
        #expect(try transaction.letter(id(1))?.state == .open)
        let lost = try transaction.replay(of: id(1), attempt: 1)
        #expect(lost?.state == .givenUp && lost?.isRunning == false)
        #expect(try transaction.replayResult(of: id(1), attempt: 1)?.result == "given up")
        #expect(try transaction.replaysToPublish(limit: 9, maxBytes: 1 << 20).isEmpty)
        let again = try transaction.askReplay(of: id(1), by: "ann", reason: nil, at: t0, maxFailures: 1)
        #expect(again == .asked(attempt: 2))
        for refused in [DeadLetterState.open, .answered, .resolved] {
          try transaction.keep(whole(7, state: refused), ofKey: nil)
          #expect(try transaction.reopen(id(7), by: "b", reason: nil, at: t0) == .wrongState(refused))
          _ = try transaction.setState(of: id(7), to: .resolved, from: Set(DeadLetterState.allCases), at: t0)
          _ = try transaction.pruneLetters(closedBefore: t0 + .seconds(1), answeredBefore: t0, limit: 1)
        }
      }
    }
  }

  @Test("a discarded letter stays closed while the same message stands open as another")
  func reopenBesideAnother() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        let first = whole(1)
        try transaction.keep(first, ofKey: nil)
        _ = try transaction.discard(id(1), by: "ann", reason: "x", at: t0)
        var second = whole(2)
        second.sameMessage = first.sameMessage
        try transaction.keep(second, ofKey: nil)
        #expect(try transaction.reopen(id(1), by: "ann", reason: nil, at: t0) == .sameMessageIsOpen(id(2)))
        #expect(try transaction.letter(id(1))?.state == .discarded)
      }
    }
  }

  @Test("an edit keeps a new letter in place of the old one, and links the two")
  func replace() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        var original = whole(1)
        original.code = .unknownCommand
        try transaction.keep(original, ofKey: nil)
        var edited = whole(2)
        edited.code = .unknownCommand
        edited.editedFrom = id(1)
        #expect(
          try transaction.replace(id(1), by: edited, ofKey: key(1), who: "ann", reason: "typo", at: t0) == nil)
        #expect(try transaction.letter(id(1))?.state == .discarded)
        #expect(try transaction.letter(id(2)) == edited)
        for number in [1, 2] as [UInt64] {
          let trail = try transaction.audit(of: id(number), limit: 9).entries
          #expect(trail.map(\.action) == [.edit])
          #expect(trail.first?.letterID == id(1) && trail.first?.linkedLetter == id(2))
        }
        // What an edit made is a command, whatever its original was.
        #expect(
          try transaction.askReplay(of: id(2), by: "ann", reason: nil, at: t0, maxFailures: 1) == .asked(attempt: 1))
        // The same once more: its original is closed.
        var again = whole(3)
        again.editedFrom = id(1)
        #expect(
          try transaction.replace(id(1), by: again, ofKey: nil, who: "ann", reason: nil, at: t0)
            == .wrongState(.discarded))
        #expect(try transaction.letter(id(3)) == nil)
      }
    }
  }

  @Test("an import keeps letter and attempts as they were; a second one leaves all alone")
  func importTwice() async throws {
    try await withStore { store, _ in
      var imported = whole(1)
      imported.attempts = 2
      let exported = imported
      let replays = [ReplayState.failed, .givenUp].enumerated().map { index, state in
        Replay(
          letterID: id(1), attempt: index + 1, state: state, askedBy: "eve", reason: "r", askedAt: t0,
          endedAt: t0 + .seconds(1))
      }
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        #expect(try transaction.importLetter(exported, replays: replays, ofKey: key(1), by: "ann", at: t0))
        #expect(try transaction.letter(id(1)) == exported)
        #expect(try transaction.replays(of: id(1)) == replays)
        #expect(try transaction.audit(of: id(1), limit: 9).entries.map(\.action) == [.import])
        #expect(
          try transaction.askReplay(of: id(1), by: "ann", reason: nil, at: t0, maxFailures: 1)
            == .refused(.failedTooOften(1)))
        #expect(
          try transaction.askReplay(of: id(1), by: "ann", reason: nil, at: t0, maxFailures: 2) == .asked(attempt: 3))
      }
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        #expect(try !transaction.importLetter(exported, replays: replays, ofKey: key(1), by: "ann", at: t0))
        #expect(try transaction.letter(id(1))?.state == .replaying)
        // The same message under another id is here as well; a settled one of it is not in the way.
        var other = whole(2)
        other.sameMessage = exported.sameMessage
        #expect(try !transaction.importLetter(other, ofKey: nil, by: "ann", at: t0))
        other.state = .resolved
        #expect(try transaction.importLetter(other, ofKey: nil, by: "ann", at: t0))
      }
    }
  }

  @Test("groups are counted with their oldest and newest, the largest first; ids are found by their first digits")
  func groupsAndPrefixes() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for (number, code, server) in [
          (1, RejectionCode.expired, 4), (2, .quotaExceeded, 5), (3, .quotaExceeded, nil), (4, .quotaExceeded, 5),
        ] as [(UInt64, RejectionCode, Int64?)] {
          var kept = whole(number)
          kept.code = code
          kept.serverID = server.map { ServerID($0) }
          kept.receivedAt = t0 + .seconds(Int(number) * 3600)
          try transaction.keep(kept, ofKey: nil)
        }
        func groups(_ key: LetterGroup.Key, _ filter: DeadLetterFilter = .init()) throws(StoreError) -> [LetterGroup] {
          try transaction.letterGroups(by: key, matching: filter, limit: 10)
        }
        let byCode = try groups(.code)
        #expect(byCode.map(\.value) == ["quota-exceeded", "expired"] && byCode.map(\.count) == [3, 1])
        #expect(byCode.first?.oldest == t0 + .seconds(7200) && byCode.first?.newest == t0 + .seconds(14_400))
        #expect(try groups(.server).map(\.value) == ["5", nil, "4"])
        #expect(try groups(.hour).count == 4)
        #expect(try groups(.command).map(\.count) == [4])
        #expect(try groups(.code, DeadLetterFilter(server: ServerID(5))).map(\.count) == [2])
        #expect(try transaction.letterGroups(by: .code, matching: .init(), limit: 1).count == 1)
        for number in 1...4 as ClosedRange<UInt64> {
          let text = id(number).description
          #expect(try transaction.letterIDs(beginningWith: text, limit: 5) == [id(number)])
          #expect(try transaction.letterIDs(beginningWith: text.uppercased().filter { $0 != "-" }, limit: 5).count == 1)
        }
        #expect(try transaction.letterIDs(beginningWith: "", limit: 3).count == 3)
        #expect(try transaction.letterIDs(beginningWith: "zz", limit: 3).isEmpty)
      }
    }
  }

  @Test("pages go on after a letter")
  func cursor() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for number in 1...5 as ClosedRange<UInt64> { try transaction.keep(whole(number), ofKey: nil) }
        let after = try transaction.cursor(after: id(2))
        #expect(try transaction.letters(after: after, limit: 2).letters.map(\.id) == [id(3), id(4)])
        #expect(try transaction.cursor(after: id(9)) == nil)
      }
    }
  }

  @Test("the command line opens a store that is there, and makes none")
  func openForOperator() async throws {
    let directory = try TemporaryDirectory()
    do throws(StoreError) {
      _ = try Store.openForOperator(at: directory.storePath)
      Issue.record("a store that is not there was opened")
    } catch {
      #expect(error.code == .cannotOpen && error.message.contains(directory.storePath))
    }
    try await withStore { store, directory in
      let other = try Store.openForOperator(at: directory.storePath)
      try await other.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.keep(whole(1), ofKey: nil)
      }
      await other.close()
      #expect(try await store.read { (snapshot) throws(StoreError) in try snapshot.letter(id(1)) } != nil)
    }
  }
}
