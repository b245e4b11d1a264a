package import AMQP

extension Connection {
  /// Receives as ``Connection/receive(maxCount:maxBytes:within:)`` does; a wait that is cancelled brings nothing.
  package func receive(
    maxCount: Int, maxBytes: Int, atMost limit: Duration?
  ) async throws(AMQPError) -> [Inbound] {
    do throws(AMQPError) {
      return try await receive(maxCount: maxCount, maxBytes: maxBytes, within: limit)
    } catch {
      if error.code == .cancelled { return [] }
      throw error
    }
  }
}
