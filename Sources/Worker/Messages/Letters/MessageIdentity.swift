package import AMQP

/// What makes two deliveries the same message: queue, message-id, properties and body (section 7 of the contract), as
/// a SHA-256.
///
/// What the broker adds when it delivers again does not count, nor does the redelivered flag; nor does `x-api-key`,
/// because a stored letter, which has it no more, must still be recognised. Headers count whatever their order.
package struct MessageIdentity: Hashable, Sendable {
  /// 32 bytes.
  package let bytes: [UInt8]

  /// Counters that RabbitMQ writes into the headers of a message that it delivers again (the second since 4.0).
  private static let volatileHeaders: Set<String> = ["x-delivery-count", "x-acquired-count"]

  package init(queue: String, properties: Properties, body: Body) {
    let digest =
      switch body {
      case .whole(let bytes): SHA256BodyDigest.of(bytes)
      case .truncated(_, _, let digest): digest
      }
    self.init(queue: queue, properties: properties, bodySize: body.size, bodySHA256: digest)
  }

  /// - Parameter bodySHA256: 32 bytes, or none where the digest of a truncated body is not known.
  package init(queue: String, properties: Properties, bodySize: UInt64, bodySHA256: [UInt8]) {
    var properties = properties
    let entries = (properties.headers?.entries ?? []).filter {
      !Self.volatileHeaders.contains($0.key) && !TypedProperties.isSecret($0.key)
    }
    // The sort is stable, so that a key that occurs twice keeps its order.
    let sorted = entries.sorted { $0.key < $1.key }
    properties.headers = sorted.isEmpty ? nil : FieldTable(sorted)
    let text = TypedProperties.encode(properties)
    var hash = SHA256BodyDigest()
    for part in [Array(queue.utf8), text.properties, text.headers ?? [], bodySHA256] {
      withUnsafeBytes(of: UInt64(part.count).bigEndian) { hash.update($0) }
      part.withUnsafeBytes { hash.update($0) }
    }
    withUnsafeBytes(of: bodySize.bigEndian) { hash.update($0) }
    bytes = hash.finalize()
  }
}
