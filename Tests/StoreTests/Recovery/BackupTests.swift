import Foundation
import Lifecycle
import Store
import Synchronization
import TestSupport
import Testing

@Suite struct BackupTests {
  private func fill(_ store: Store, _ servers: ClosedRange<Int64>) async throws {
    try await store.commit(owner: nil) { (transaction) throws(StoreError) in
      for number in servers { try transaction.apply(newServer(number), .enrolled) }
    }
  }

  private func count(_ path: String) throws -> String? {
    try RawDatabase(at: path).text("SELECT count(*) FROM servers")
  }

  @Test("the copy is the store as it was when the copying began, whatever is committed meanwhile; nobody waits")
  func underLoad() async throws {
    try await withStore { store, directory in
      try await fill(store, 1...2_000)
      let file = directory.path + "/copy.sqlite"
      let commits = Commits()
      // The writer goes on for as long as the copying lasts, and at least once in the middle of it.
      let writing = Task { @Sendable in
        var next: Int64 = 100_000
        while !Task.isCancelled {
          let number = next
          try await store.commit(owner: nil) { (transaction) throws(StoreError) in
            try transaction.apply(newServer(number), .enrolled)
          }
          next += 1
          commits.count.withLock { $0 += 1 }
        }
      }
      let stages = Mutex(0)
      let waits = Mutex(false)
      let path = directory.storePath
      // It waits for a task, so it must not take a thread that tasks need.
      let facts = try await onOwnThread {
        try StoreBackup.make(of: path, to: file, replaces: false, pagesPerStep: 50) { progress in
          guard case .copied(let done, let total) = progress, done < total else { return }
          stages.withLock { $0 += 1 }
          let before = commits.count.withLock { $0 }
          let deadline = Date(timeIntervalSinceNow: 60)
          while commits.count.withLock({ $0 }) == before, Date() < deadline { usleep(1000) }
          if commits.count.withLock({ $0 }) == before { waits.withLock { $0 = true } }
        }
      }
      #expect(waits.withLock { !$0 }, "a commit waits for the backup")
      writing.cancel()
      _ = await writing.result
      #expect(stages.withLock { $0 } > 0)
      #expect(facts.storeID == store.identity.storeID && facts.epoch == 1)
      let raw = try RawDatabase(at: file)
      #expect(try raw.text("SELECT last_position FROM meta") == String(facts.position))
      #expect(try raw.text("SELECT max(position) FROM history") == String(facts.position))
      #expect(try raw.text("PRAGMA integrity_check") == "ok")
      let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
      #expect(mode == 0o600)
    }
  }

  @Test("what is in the way stays; the store itself is never replaced; nothing is left of a copy that was stopped")
  func refusals() async throws {
    try await withStore { store, directory in
      try await fill(store, 1...3)
      let file = directory.path + "/copy.sqlite"
      try Data("mine".utf8).write(to: URL(filePath: file))
      func code(_ target: String, replaces: Bool) -> StoreError.Code? {
        let error = #expect(throws: StoreError.self) {
          try StoreBackup.make(of: directory.storePath, to: target, replaces: replaces) { _ in }
        }
        return error?.code
      }
      #expect(code(file, replaces: false) == .refused)
      #expect(code(directory.storePath, replaces: true) == .refused)
      try FileManager.default.createSymbolicLink(
        atPath: directory.path + "/link", withDestinationPath: directory.storePath)
      #expect(code(directory.path + "/link", replaces: true) == .refused)
      try Data("left".utf8).write(to: URL(filePath: directory.path + "/other-wal"))
      #expect(code(directory.path + "/other", replaces: true) == .refused)
      #expect(code(directory.path + "/no/where", replaces: true) == .cannotOpen)
      let stopped = #expect(throws: StoreError.self) {
        try StoreBackup.make(of: directory.storePath, to: directory.path + "/stopped", replaces: false) { _ in
          throw StoreError(.cancelled, "stop")
        }
      }
      #expect(stopped?.code == .cancelled)
      #expect(try String(contentsOfFile: file, encoding: .utf8) == "mine")
      let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
      #expect(!names.contains { $0.contains(".new-") || $0 == "stopped" }, "\(names)")
      _ = try StoreBackup.make(of: directory.storePath, to: file, replaces: true) { _ in }
      #expect(try count(file) == "3")
    }
  }

  @Test("a replacement takes the store's place in one step, with what was in its log kept beside the old one")
  func replacement() async throws {
    let directory = try TemporaryDirectory()
    let file = directory.path + "/copy.sqlite"
    let first = try Store.open(at: directory.storePath)
    try await fill(first, 1...3)
    _ = try StoreBackup.make(of: directory.storePath, to: file, replaces: false) { _ in }
    let content = try Data(contentsOf: URL(filePath: file))
    try await fill(first, 4...5)
    // A crash: the log stays.
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(
        atPath: directory.storePath + suffix, toPath: directory.path + "/crashed" + suffix)
    }
    let path = directory.path + "/crashed"
    #expect(try !StoreReplacement.isInUse(path) && StoreReplacement.isInUse(directory.storePath))
    await first.close()
    let replacement = try StoreReplacement(of: path, by: file) { _ in }
    let second = #expect(throws: StoreError.self) { _ = try StoreReplacement(of: path, by: file) { _ in } }
    #expect(second?.code == .refused, "one at a time")
    let store = try replacement.open()
    try await store.commit(owner: nil) { (transaction) throws(StoreError) in try transaction.raiseEpoch(to: 7) }
    await store.close()
    // Somebody looks at the store: it is not taken away from under them.
    let reader = try Store.openForReading(at: path, options: StoreOptions(busyTimeout: .milliseconds(50)))
    let busy = try StoreReplacement.isInUse(path, options: StoreOptions(busyTimeout: .milliseconds(50)))
    #expect(busy)
    await reader.close()
    #expect(try replacement.takePlace(keeping: path + ".aside") == .kept(path + ".aside"))
    #expect(try count(path) == "3")
    #expect(try count(path + ".aside") == "5", "with what was only in the log")
    #expect(try RawDatabase(at: path).text("SELECT epoch FROM meta") == "7")
    #expect(try Data(contentsOf: URL(filePath: file)) == content, "the backup is not written to")
    let again = try StoreReplacement(of: path, by: file) { _ in }
    #expect(try again.takePlace(keeping: path + ".aside") == .kept(path + ".aside-2"))
  }

  @Test("a damaged store is kept as it is, with its log; and where there is none, nothing is")
  func damaged() async throws {
    let directory = try TemporaryDirectory()
    let file = directory.path + "/copy.sqlite"
    await (try Store.open(at: directory.storePath)).close()
    _ = try StoreBackup.make(of: directory.storePath, to: file, replaces: false) { _ in }
    let path = directory.path + "/gone"
    #expect(try StoreReplacement(of: path, by: file) { _ in }.takePlace(keeping: path + ".aside") == .nothing)
    try Data("rubbish".utf8).write(to: URL(filePath: path))
    try Data("its log".utf8).write(to: URL(filePath: path + "-wal"))
    #expect(
      try StoreReplacement(of: path, by: file) { _ in }.takePlace(keeping: path + ".aside") == .kept(path + ".aside"))
    #expect(try String(contentsOfFile: path + ".aside", encoding: .utf8) == "rubbish")
    #expect(try String(contentsOfFile: path + ".aside-wal", encoding: .utf8) == "its log")
    #expect(try RawDatabase(at: path).text("PRAGMA integrity_check") == "ok")
    #expect(!FileManager.default.fileExists(atPath: path + ".restoring"))
  }

  @Test("a store that was replaced while it was open knows it")
  func inPlace() async throws {
    try await withStore { store, directory in
      #expect(try store.isInPlace())
      let file = directory.path + "/copy.sqlite"
      _ = try StoreBackup.make(of: directory.storePath, to: file, replaces: false) { _ in }
      #expect(rename(file, directory.storePath) == 0)
      #expect(try !store.isInPlace())
    }
  }

  @Test("positions and the epochs that they are of")
  func epochs() async throws {
    try await withStore { store, _ in
      try await fill(store, 1...3)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in try transaction.raiseEpoch(to: 4) }
      try await fill(store, 4...5)
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in try transaction.raiseEpoch(to: 5) }
      try await fill(store, 6...6)
      let epochs = try await store.read { (snapshot) throws(StoreError) in
        var epochs: [Int64] = []
        for position in 1...6 as ClosedRange<Int64> { epochs.append(try snapshot.epoch(ofPosition: position)) }
        return epochs
      }
      #expect(epochs == [1, 1, 1, 4, 4, 5])
    }
  }
}

private final class Commits: Sendable {
  let count = Mutex(0)
}
