import Lifecycle
import Store
import Testing

@Suite struct DeadLetterTests {
  @Test("a letter comes back as it was kept, byte for byte")
  func roundTrip() async throws {
    try await withStore { store, _ in
      var whole = letter(1)
      whole.body = [0, 0xFF, 0xC3, 0x28, 0]
      whole.bodySize = 2 << 20
      var bare = letter(2)
      bare.serverID = nil
      bare.clientID = nil
      bare.operation = nil
      bare.attempt = nil
      bare.actor = nil
      bare.command = "unknown"
      bare.body = []
      bare.bodySize = 0
      let letters = [whole, bare]
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.keep(letters[0], ofKey: key(1))
        try transaction.keep(letters[1], ofKey: nil)
      }
      try await store.read { (snapshot) throws(StoreError) in
        for letter in letters { #expect(try snapshot.letter(letter.id) == letter) }
        #expect(try snapshot.letter(id(9)) == nil)
        #expect(!letters[0].isReplayable && letters[1].isReplayable)
      }
    }
  }

  @Test("the same message is one letter until that is closed", arguments: DeadLetterState.allCases)
  func sameMessage(state: DeadLetterState) async throws {
    try await withStore { store, _ in
      let first = letter(1, state: state)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.keep(first, ofKey: nil)
      }
      var second = letter(2)
      second.sameMessage = first.sameMessage
      let again = second
      let isClosed = state == .resolved || state == .discarded
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        let known = try transaction.openLetter(sameMessage: first.sameMessage)
        #expect((known == nil) == isClosed)
        if let known {
          try transaction.countAgain(known.id, at: t0 + .seconds(9))
          let counted = try transaction.letter(known.id)
          #expect(counted?.count == 2)
          #expect(counted?.lastSeenAt == t0 + .seconds(9))
          #expect(counted?.receivedAt == t0)
          do throws(StoreError) {
            try transaction.keep(again, ofKey: nil)
            Issue.record("two open letters of one message")
          } catch {
            #expect(error.code == .defect)
          }
        } else {
          try transaction.keep(again, ofKey: nil)
        }
      }
    }
  }

  @Test("a later success resolves the letters of earlier attempts of that key")
  func resolve() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for attempt in 1...4 {
          var kept = letter(UInt64(attempt))
          kept.attempt = attempt
          try transaction.keep(kept, ofKey: key(1))
        }
        try transaction.keep(letter(5), ofKey: key(2))
        #expect(try transaction.setState(of: id(2), to: .discarded, from: [.open], at: t0))
        #expect(try transaction.resolveLetters(ofKey: key(1), before: 4, at: t0 + .seconds(1)) == 2)
        let states = try (1...5).map { (number) throws(StoreError) in try transaction.letter(id(number))?.state }
        #expect(states == [.resolved, .discarded, .resolved, .open, .open])
        #expect(try transaction.letter(id(1))?.stateSince == t0 + .seconds(1))
      }
    }
  }

  @Test("a letter changes state only from where it is expected")
  func setState() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.keep(letter(1), ofKey: nil)
        #expect(try !transaction.setState(of: id(1), to: .resolved, from: [.replaying, .answered], at: t0))
        #expect(try transaction.letter(id(1))?.state == .open)
        #expect(try transaction.setState(of: id(1), to: .replaying, from: [.open, .answered], at: t0))
        #expect(try !transaction.setState(of: id(1), to: .replaying, from: [.open, .answered], at: t0))
        #expect(try !transaction.setState(of: id(2), to: .replaying, from: Set(DeadLetterState.allCases), at: t0))
      }
    }
  }

  @Test("pruning takes closed letters by age, never open ones")
  func prune() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        var number: UInt64 = 0
        for state in DeadLetterState.allCases {
          for age in 0..<10 {
            number += 1
            try transaction.keep(letter(number, state: state, at: t0 - .seconds(age * 86_400)), ofKey: nil)
          }
        }
        let pruned = try transaction.pruneLetters(
          closedBefore: t0 - .seconds(8 * 86_400), answeredBefore: t0 - .seconds(4 * 86_400), limit: 3)
        #expect(pruned == 3)
        let rest = try transaction.pruneLetters(
          closedBefore: t0 - .seconds(8 * 86_400), answeredBefore: t0 - .seconds(4 * 86_400), limit: 100)
        #expect(rest == 4)
        #expect(
          try transaction.letterCounts() == [.open: 10, .answered: 5, .replaying: 10, .resolved: 9, .discarded: 9])
        #expect(try transaction.oldestOpenLetterAt() == t0 - .seconds(9 * 86_400))
      }
    }
  }

  @Test("filters, each by itself and with paging, oldest first")
  func list() async throws {
    try await withStore { store, _ in
      var letters: [DeadLetter] = []
      for number in 1...12 as ClosedRange<UInt64> {
        letters.append(letter(number, at: t0 + .seconds(Int(number))))
      }
      letters[0].state = .answered
      letters[1].code = .noCapacity
      letters[2].command = "allocate"
      letters[3].serverID = ServerID(6)
      letters[4].clientID = ClientID(8)
      letters[5].operation = "other"
      letters[6].actor = nil
      letters[7].message = "100% of RACK_5 \\ gone"
      letters[8].body = Array("find mé\0\u{7F} behind NUL".utf8)
      letters[9].headers = #"{"x":"needle"}"#
      letters[10].properties = #"{"type":"needle"}"#
      letters[11].details = #"{"row":"needle"}"#
      let kept = letters
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for letter in kept { try transaction.keep(letter, ofKey: nil) }
      }
      let cases: [(DeadLetterFilter, [Int])] = [
        (DeadLetterFilter(), Array(0...11)),
        (DeadLetterFilter(states: [.answered]), [0]),
        (DeadLetterFilter(states: [.open]), Array(1...11)),
        (DeadLetterFilter(states: [.open, .answered]), Array(0...11)),
        (DeadLetterFilter(states: []), []),
        (DeadLetterFilter(code: .noCapacity), [1]),
        (DeadLetterFilter(command: "allocate"), [2]),
        (DeadLetterFilter(server: ServerID(6)), [3]),
        (DeadLetterFilter(client: ClientID(8)), [4]),
        (DeadLetterFilter(operation: "other"), [5]),
        (DeadLetterFilter(actor: "scheduler"), [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]),
        (DeadLetterFilter(receivedBefore: t0 + .seconds(3)), [0, 1]),
        (DeadLetterFilter(text: "100%"), [7]),
        (DeadLetterFilter(text: "rack_5"), [7]),
        (DeadLetterFilter(text: "rack-5"), []),
        (DeadLetterFilter(text: "\\ gone"), [7]),
        (DeadLetterFilter(text: "mé"), [8]),
        (DeadLetterFilter(text: "behind NUL"), [8]),
        (DeadLetterFilter(text: "behind nul"), []),
        (DeadLetterFilter(text: "NEEDLE"), [9, 10, 11]),
        (DeadLetterFilter(states: [.open], server: ServerID(5), text: "needle"), [9, 10, 11]),
      ]
      for (filter, expected) in cases {
        for pageSize in [1, 2, 100] {
          var listed: [DeadLetter] = []
          try await store.forEachLetter(matching: filter, pageSize: pageSize) { listed.append($0) }
          #expect(listed == expected.map { kept[$0] }, "\(filter)")
        }
      }
    }
  }

  @Test("a page is bounded in bytes, and holds at least one letter")
  func pageBytes() async throws {
    try await withStore { store, _ in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for number in 1...5 as ClosedRange<UInt64> {
          var large = letter(number)
          large.body = [UInt8](repeating: 7, count: 100_000)
          large.bodySize = 100_000
          try transaction.keep(large, ofKey: nil)
        }
        let page = try transaction.letters(limit: 100, maxBytes: 150_000)
        #expect(page.letters.count == 2)
        let single = try transaction.letters(after: page.next, limit: 100, maxBytes: 1)
        #expect(single.letters.map(\.id) == [id(3)])
      }
    }
  }
}
