import Foundation
import Lifecycle
import Store
import Testing

@Suite struct OpeningTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func refusal(
    reading: Bool = false, at path: String? = nil, options: StoreOptions = StoreOptions(busyTimeout: .milliseconds(50))
  ) throws -> StoreError {
    let path = path ?? directory.storePath
    return try #require(throws: StoreError.self) {
      _ =
        reading
        ? try Store.openForReading(at: path, options: options) : try Store.open(at: path, options: options)
    }
  }

  /// Name and content of every file in the directory.
  private func contents() throws -> [String: Data] {
    var contents: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) {
      contents[name] = try Data(contentsOf: URL(filePath: directory.path + "/" + name))
    }
    return contents
  }

  @Test("a new store is whole, private, durable, and found again")
  func create() async throws {
    let store = try Store.open(at: directory.storePath)
    #expect(try await store.synchronousLevel() == 2)
    #expect(store.identity.epoch == 1)
    let mode = try FileManager.default.attributesOfItem(atPath: directory.storePath)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    let raw = try RawDatabase(at: directory.storePath)
    #expect(try raw.text("PRAGMA journal_mode") == "wal")
    #expect(try raw.text("PRAGMA application_id") == "\(0x4F53_544C)")
    #expect(try raw.text("PRAGMA user_version") == "1")
    #expect(try raw.text("PRAGMA integrity_check") == "ok")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: directory.path).allSatisfy { $0.hasPrefix("ostler.sqlite") })
    await store.close()
    let again = try Store.open(at: directory.storePath)
    #expect(again.identity == store.identity)
    #expect(try await again.synchronousLevel() == 2)
    await again.close()
  }

  @Test("two new stores are two stores")
  func identities() async throws {
    let first = try Store.open(at: directory.path + "/a")
    let second = try Store.open(at: directory.path + "/b")
    #expect(first.identity.storeID != second.identity.storeID)
    await first.close()
    await second.close()
  }

  @Test("a closed store leaves one file behind, and refuses to be used")
  func close() async throws {
    let store = try Store.open(at: directory.storePath)
    try await store.commit(owner: nil) { (transaction) throws(StoreError) in
      try transaction.apply(newServer(1), .enrolled)
    }
    await store.close()
    #expect(try contents().keys.sorted() == ["ostler.sqlite"])
    await #expect(throws: StoreError.self) {
      try await store.commit(owner: nil) { (_) throws(StoreError) in }
    }
    await #expect(throws: StoreError.self) {
      try await store.read { (snapshot) throws(StoreError) in try snapshot.meta() }
    }
  }

  @Test("a store from a newer release is refused and not touched", arguments: [true, false])
  func newer(reading: Bool) async throws {
    await (try Store.open(at: directory.storePath)).close()
    try RawDatabase(at: directory.storePath).run("PRAGMA user_version = 99")
    let before = try contents()
    #expect(try refusal(reading: reading).code == .newerSchema)
    #expect(try contents() == before)
  }

  @Test("somebody else's database is refused and not touched", arguments: ["delete", "wal"])
  func foreign(journal: String) throws {
    try RawDatabase(at: directory.storePath).run(
      "PRAGMA journal_mode = \(journal); CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')")
    let before = try contents()
    #expect(try refusal().code == .notOstler)
    #expect(try refusal(reading: true).code == .notOstler)
    #expect(try contents() == before)
  }

  @Test(
    "a file that is no database is refused and not touched", arguments: ["", "a shopping list\n", "SQLite format 3"])
  func noDatabase(text: String) throws {
    try Data(text.utf8).write(to: URL(filePath: directory.storePath))
    let before = try contents()
    #expect(try refusal().code == .notOstler)
    #expect(try refusal(reading: true).code == .notOstler)
    #expect(try contents() == before)
  }

  @Test("a store that was cut off is refused and not touched", arguments: [4096, 12_288])
  func truncated(length: Int) async throws {
    await (try Store.open(at: directory.storePath)).close()
    let whole = try Data(contentsOf: URL(filePath: directory.storePath))
    try whole.prefix(length).write(to: URL(filePath: directory.storePath))
    let before = try contents()
    #expect(try refusal().code == .corrupt)
    #expect(try contents() == before)
  }

  @Test("a store with an overwritten page is refused and not written to")
  func overwritten() async throws {
    await (try Store.open(at: directory.storePath)).close()
    var bytes = try Data(contentsOf: URL(filePath: directory.storePath))
    for index in 200..<4096 { bytes[index] = 0xA5 }
    try bytes.write(to: URL(filePath: directory.storePath))
    #expect(try refusal().code == .corrupt)
    #expect(try contents()["ostler.sqlite"] == bytes)
  }

  @Test("damage that shows only later is reported as damage, not as trouble")
  func damagedLater() async throws {
    await (try Store.open(at: directory.storePath)).close()
    let raw = try RawDatabase(at: directory.storePath)
    let page = try #require(Int(raw.text("SELECT rootpage FROM sqlite_schema WHERE name = 'operations'") ?? ""))
    try raw.run("PRAGMA wal_checkpoint(TRUNCATE)")
    var bytes = try Data(contentsOf: URL(filePath: directory.storePath))
    for index in (page - 1) * 4096..<page * 4096 { bytes[index] = 0xA5 }
    try bytes.write(to: URL(filePath: directory.storePath))
    let store = try Store.open(at: directory.storePath)
    let error = await #expect(throws: StoreError.self) {
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.pruneOperations(decidedBefore: t0, limit: 10)
      }
    }
    #expect(error?.code == .corrupt)
    #expect(error?.isTrouble == false)
    await store.close()
  }

  @Test("a missing store cannot be read, and reading does not make one")
  func missing() throws {
    let error = try refusal(reading: true)
    #expect(error.code == .cannotOpen)
    #expect(error.message.contains(directory.storePath))
    #expect(try contents().isEmpty)
  }

  @Test("a missing directory, a directory")
  func unusablePath() throws {
    #expect(try refusal(at: directory.path + "/no/where.sqlite").code == .cannotOpen)
    #expect(try refusal(at: directory.path).code == .cannotOpen)
  }

  @Test("a log without its store is a lost store, not a new one")
  func orphanedLog() throws {
    try Data("what a crash left behind".utf8).write(to: URL(filePath: directory.storePath + "-wal"))
    let before = try contents()
    #expect(try refusal().code == .corrupt)
    #expect(try contents() == before)
  }

  @Test("what a crash left in the log is read again, by a reader too")
  func crash() async throws {
    let store = try Store.open(at: directory.storePath)
    try await store.commit(owner: nil) { (transaction) throws(StoreError) in
      try transaction.apply(newServer(1), .enrolled)
    }
    // A copy of the files while they are open is what a crash leaves.
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(
        atPath: directory.storePath + suffix, toPath: directory.path + "/crashed" + suffix)
    }
    let reader = try Store.openForReading(at: directory.path + "/crashed")
    let server = try await reader.read { (snapshot) throws(StoreError) in try snapshot.server(ServerID(1)) }
    #expect(server == newServer(1))
    let worker = try Store.open(at: directory.path + "/crashed")
    let meta = try await worker.read { (snapshot) throws(StoreError) in try snapshot.meta() }
    #expect(meta.position == 1)
    await reader.close()
    await worker.close()
    await store.close()
  }

  @Test("a reader opens a store that nobody has open, or that a worker writes, and may not write itself")
  func readers() async throws {
    await (try Store.open(at: directory.storePath)).close()
    let alone = try Store.openForReading(at: directory.storePath)
    #expect(try await alone.read { (snapshot) throws(StoreError) in try snapshot.meta().position } == 0)
    let worker = try Store.open(at: directory.storePath)
    try await worker.commit(owner: nil) { (transaction) throws(StoreError) in
      try transaction.apply(newServer(1), .enrolled)
    }
    #expect(try await alone.read { (snapshot) throws(StoreError) in try snapshot.meta().position } == 1)
    let error = await #expect(throws: StoreError.self) {
      try await alone.commit(owner: nil) { (_) throws(StoreError) in }
    }
    #expect(error?.code == .readOnly)
    await alone.close()
    await worker.close()
  }

  @Test(
    "a store that may not be written is refused for writing, and may be read",
    .enabled(if: ImmutableFile.isSupported))
  func readOnly() async throws {
    await (try Store.open(at: directory.storePath)).close()
    let before = try contents()
    let immutable = try ImmutableFile(directory.storePath)
    let error = try refusal()
    #expect(error.code == .readOnly)
    #expect(error.isTrouble)
    let reader = try Store.openForReading(at: directory.storePath)
    #expect(try await reader.read { (snapshot) throws(StoreError) in try snapshot.meta().position } == 0)
    await reader.close()
    immutable.release()
    #expect(try contents()["ostler.sqlite"] == before["ostler.sqlite"])
  }
}
