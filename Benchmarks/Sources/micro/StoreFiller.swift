import Lifecycle
import Store

/// Makes a store that has seen much.
struct StoreFiller {
  let path: String

  func fill(operations: Int, servers: Int) async throws {
    let bench = try await StoreBench(path: path)
    try await bench.enroll(servers)
    var start = servers
    while start < operations {
      let end = min(start + 20_000, operations)
      try await bench.record((start..<end).map(record))
      start = end
    }
    await bench.close()
  }

  private func record(_ index: Int) -> OperationRecord {
    let server = ServerID(Int64(index % 100_000) + 1)
    return OperationRecord(
      key: OperationKey(.onServer(server, .unisolate), id: .uuid(Sample.operation(1 << 40 + index))), attempt: 1,
      fingerprint: Fingerprint(high: UInt64(index), low: 1), outcome: .unchanged, decidedAt: Sample.now,
      serverID: server, serverVersion: 1, eventPosition: Int64(index))
  }
}
