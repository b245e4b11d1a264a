import Foundation
import Lifecycle
import Store
import TestSupport
import Testing

@Suite struct TransactionTests {
  @Test("a transaction that throws leaves nothing behind")
  func rollback() async throws {
    try await withStore { store, _ in
      await #expect(throws: StoreError.self) {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          try transaction.apply(newServer(1), .enrolled)
          throw StoreError(.defect, "changed its mind")
        }
      }
      let meta = try await store.read { (snapshot) throws(StoreError) in
        #expect(try snapshot.server(ServerID(1)) == nil)
        return try snapshot.meta()
      }
      #expect(meta.position == 0)
    }
  }

  @Test("another process's lock is trouble that passes")
  func busy() async throws {
    try await withStore { store, directory in
      let other = try RawDatabase(at: directory.storePath)
      try other.run("BEGIN IMMEDIATE")
      let error = await #expect(throws: StoreError.self) {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          try transaction.apply(newServer(1), .enrolled)
        }
      }
      #expect(error?.code == .busy)
      #expect(error?.isTrouble == true)
      try other.run("ROLLBACK")
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.apply(newServer(1), .enrolled)
      }
    }
  }

  @Test("a full disk is trouble: nothing is half-written, and it goes on when there is room")
  func diskFull() async throws {
    try await withStore(options: StoreOptions(busyTimeout: .milliseconds(50), maxPages: 200)) { store, directory in
      func fill(_ count: Int) async throws(StoreError) {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          for _ in 0..<count {
            let position = transaction.nextPosition()
            try transaction.enqueue(
              OutboxEvent(
                position: position, epoch: 1, at: t0, routingKey: "server.isolated.isolated.18",
                content: .bytes([UInt8](repeating: 1, count: 3000))))
          }
        }
      }
      try await fill(20)
      let error = await #expect(throws: StoreError.self) { try await fill(1000) }
      #expect(error?.code == .diskFull)
      #expect(error?.isTrouble == true)
      let depth = try await store.read { (snapshot) throws(StoreError) in try snapshot.outboxDepth() }
      #expect(depth.count == 20)
      #expect(depth.oldestPosition == 1)
      #expect(depth.oldestAt == t0)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.deleteOutbox(through: 10)
      }
      try await fill(5)
      let events = try await store.read { (snapshot) throws(StoreError) in
        try snapshot.outbox(limit: 100, maxBytes: 1 << 20)
      }
      #expect(events.map(\.position) == Array(11...25))
      #expect(try RawDatabase(at: directory.storePath).text("PRAGMA integrity_check") == "ok")
    }
  }

  @Test("cancelling the task that commits does not undo the commit")
  func cancellation() async throws {
    try await withStore { store, _ in
      let (started, start) = AsyncStream<Void>.makeStream()
      let release = DispatchSemaphore(value: 0)
      let task = Task {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          try transaction.apply(newServer(1), .enrolled)
          start.finish()
          release.wait()
        }
      }
      for await _ in started {}
      task.cancel()
      release.signal()
      try await task.value
      let server = try await store.read { (snapshot) throws(StoreError) in try snapshot.server(ServerID(1)) }
      #expect(server != nil)
    }
  }

  @Test("a task that is cancelled already commits all the same")
  func cancelledBefore() async throws {
    try await withStore { store, _ in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          try transaction.apply(newServer(1), .enrolled)
        }
      }
      try await task.value
      let server = try await store.read { (snapshot) throws(StoreError) in try snapshot.server(ServerID(1)) }
      #expect(server != nil)
    }
  }

  @Test("a reader sees the last commit while the writer writes")
  func readerBesideWriter() async throws {
    try await withStore { store, _ in
      let (started, start) = AsyncStream<Void>.makeStream()
      let release = DispatchSemaphore(value: 0)
      let task = Task {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          try transaction.apply(newServer(1), .enrolled)
          start.finish()
          release.wait()
        }
      }
      for await _ in started {}
      let during = try await store.read { (snapshot) throws(StoreError) in try snapshot.server(ServerID(1)) }
      release.signal()
      try await task.value
      let after = try await store.read { (snapshot) throws(StoreError) in try snapshot.server(ServerID(1)) }
      #expect(during == nil)
      #expect(after == newServer(1))
    }
  }

  @Test("who was taken over can commit no more, also through another connection")
  func fence() async throws {
    try await withStore { store, directory in
      let first = try await store.takeOver(as: id(1))
      try await store.commit(owner: first.token) { (transaction) throws(StoreError) in
        try transaction.apply(newServer(1), .enrolled)
      }
      let other = try Store.open(at: directory.storePath)
      let second = try await other.takeOver(as: id(2))
      #expect(second.meta.position == 1)
      let error = await #expect(throws: StoreError.self) {
        try await store.commit(owner: first.token) { (transaction) throws(StoreError) in
          try transaction.apply(newServer(2), .enrolled)
        }
      }
      #expect(error?.code == .fenced)
      #expect(error?.isTrouble == false)
      try await other.commit(owner: second.token) { (transaction) throws(StoreError) in
        #expect(try transaction.server(ServerID(2)) == nil)
      }
      await other.close()
    }
  }

  @Test("whether the last worker ended in good order is known")
  func cleanEnd() async throws {
    try await withStore { store, _ in
      let first = try await store.takeOver(as: id(1))
      #expect(first.meta.workerEndedCleanly)
      let second = try await store.takeOver(as: id(2))
      #expect(!second.meta.workerEndedCleanly)
      try await store.commit(owner: second.token) { (transaction) throws(StoreError) in
        try transaction.endWorkerCleanly()
      }
      #expect(try await store.takeOver(as: id(3)).meta.workerEndedCleanly)
    }
  }

  @Test("positions go on after the outbox is empty and the store was closed")
  func positions() async throws {
    let directory = try TemporaryDirectory()
    var last: Int64 = 0
    for round in 0..<3 {
      let store = try Store.open(at: directory.storePath)
      let before = last
      last = try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        for _ in 0..<10 {
          let position = transaction.nextPosition()
          #expect(position > before)
          try transaction.enqueue(
            OutboxEvent(position: position, epoch: 1, at: t0, routingKey: "a.b", content: .bytes([1])))
        }
        return try transaction.deleteOutbox(through: .max) == 10 ? transaction.nextPosition() : 0
      }
      #expect(last == Int64(11 * (round + 1)))
      let meta = try await store.read { (snapshot) throws(StoreError) in try snapshot.meta() }
      #expect(meta.position == last)
      #expect(meta.outboxCount == 0)
      await store.close()
    }
  }

  @Test("the epoch rises for good")
  func epoch() async throws {
    try await withStore { store, directory in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in try transaction.raiseEpoch(to: 2) }
      let again = try Store.open(at: directory.storePath)
      #expect(again.identity.storeID == store.identity.storeID)
      #expect(again.identity.epoch == 2)
      await again.close()
    }
  }

  @Test("a worker's log has room in front of it; what is there says nothing, to a reader and after a crash")
  func reservedLog() async throws {
    let options = StoreOptions(busyTimeout: .seconds(5), checkpointPages: 400)
    try await withStore(options: options) { store, directory in
      let token = try await store.takeOver(as: id(1)).token
      func write(_ count: Int) async throws {
        for _ in 0..<count {
          try await store.commit(owner: token) { (transaction) throws(StoreError) in
            let position = transaction.nextPosition()
            try transaction.enqueue(
              OutboxEvent(
                position: position, epoch: 1, at: t0, routingKey: "a.b",
                content: .bytes([UInt8](repeating: 7, count: 4000))))
          }
        }
      }
      // One commit writes a few pages; the rest is the reserve.
      try await write(1)
      try await eventually("room is reserved") { try await store.sizes().log >= 256 << 10 }
      // Another process writes at the same time.
      let other = try Store.open(at: directory.storePath, options: options)
      for _ in 0..<50 {
        try await write(5)
        try await other.commit(owner: nil) { (transaction) throws(StoreError) in
          try transaction.keep(letter(UInt64(transaction.nextPosition()), state: .open), ofKey: nil)
        }
      }
      await other.close()
      // As after a crash: the files as they are, opened by somebody else.
      let copy = directory.path + "/copy.sqlite"
      for suffix in ["", "-wal"] {
        try FileManager.default.copyItem(atPath: directory.storePath + suffix, toPath: copy + suffix)
      }
      let raw = try RawDatabase(at: copy)
      #expect(try raw.text("PRAGMA integrity_check") == "ok")
      #expect(try raw.text("SELECT count(*) FROM dead_letters") == "50")
      let count = try await store.read { (snapshot) throws(StoreError) in try snapshot.outboxDepth().count }
      #expect(try raw.text("SELECT count(*) FROM outbox") == "\(count)")
    }
  }

  @Test("the log is written back and does not grow with what is written")
  func boundedLog() async throws {
    try await withStore(options: StoreOptions(checkpointPages: 200)) { store, _ in
      for round in 0..<300 {
        try await store.commit(owner: nil) { (transaction) throws(StoreError) in
          for _ in 0..<10 {
            let position = transaction.nextPosition()
            try transaction.enqueue(
              OutboxEvent(
                position: position, epoch: 1, at: t0, routingKey: "a.b",
                content: .bytes([UInt8](repeating: UInt8(round % 256), count: 4000))))
          }
          try transaction.deleteOutbox(through: transaction.nextPosition())
        }
      }
      // 300 rounds of more than ten pages each went through it.
      #expect(try await store.sizes().log < 300 * 10 * 4096 / 2)
      try await store.maintain()
    }
  }
}
