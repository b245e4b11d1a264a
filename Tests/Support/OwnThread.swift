import Foundation

/// Runs what blocks its thread: that must not be one of Swift's pool, where all other tests' tasks run.
package func onOwnThread<Value: Sendable>(
  stackBytes: Int = 8 << 20, _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    let thread = Thread { continuation.resume(with: Result { try body() }) }
    thread.stackSize = stackBytes
    thread.start()
  }
}
