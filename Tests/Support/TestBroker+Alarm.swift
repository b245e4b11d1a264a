import Synchronization
import Worker

extension TestBroker {
  private static let alarmIsFree = Watched(true)

  /// Runs `body` under a memory alarm. The alarm is the whole broker's, so there is one at a time: whoever ended another's
  /// would let its publishers go on. Tests beside it publish again when it is over.
  package static func duringMemoryAlarm<Result>(_ body: () async throws -> Result) async throws -> Result {
    var isOurs = false
    while !isOurs {
      _ = try await alarmIsFree.wait { $0 }
      isOurs = alarmIsFree.update { isFree in
        defer { isFree = false }
        return isFree
      }
    }
    defer { alarmIsFree.set(true) }
    try await control("set_vm_memory_high_watermark", "0.00001")
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    try await control("set_vm_memory_high_watermark", "0.4")
    return try result.get()
  }
}
