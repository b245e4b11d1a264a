import Glibc
import Lifecycle
import Store
import Worker

/// A store with the worker's own batch processor on it, and no broker.
struct StoreBench {
  let store: Store
  private let token: WorkerToken
  private let path: String?

  /// A new store in a temporary file, with that many servers.
  static func open(servers: Int) async throws -> StoreBench {
    let path = "/tmp/ostler-micro-\(getpid()).sqlite"
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    let bench = try await StoreBench(path: path, isTemporary: true)
    try await bench.enroll(servers)
    return bench
  }

  init(path: String, isTemporary: Bool = false) async throws {
    store = try Store.open(at: path)
    token = try await store.takeOver(as: UUID128(randomHigh: 7, randomLow: 8)).token
    self.path = isTemporary ? path : nil
  }

  func enroll(_ servers: Int) async throws {
    var start = 1
    while start <= servers {
      let end = min(start + 500, servers + 1)
      try await process((start..<end).map(Sample.enrolment), deletingOutbox: true)
      start = end
    }
  }

  func process(_ batch: [Received], deletingOutbox: Bool) async throws {
    let rules = BatchRules(
      topology: Sample.topology, intake: Sample.intake, patience: .seconds(30), now: Sample.now, monotonicNow: .zero)
    let lot = ParkingLot<CommandTask>(limit: 100)
    let rejections = try await store.commit(owner: token) { transaction throws(StoreError) in
      if deletingOutbox { _ = try transaction.deleteOutbox(through: transaction.meta().position) }
      return try BatchProcessor(transaction: transaction, rules: rules, lot: lot).process(batch).tally.rejections
    }
    precondition(rejections.isEmpty, "a sample was rejected: \(rejections)")
  }

  func record(_ records: [OperationRecord]) async throws {
    try await store.commit(owner: token) { transaction throws(StoreError) in
      for record in records { try transaction.record(record) }
    }
  }

  func close() async {
    await store.close()
    guard let path else { return }
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
  }
}
