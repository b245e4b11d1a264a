/// The body of a received message.
package enum Body: Sendable, Hashable {
  case whole([UInt8])
  /// Larger than `ConnectionOptions.wholeBodyMaxBytes`: its first 64 KiB, its full size in bytes, and the digest of all
  /// of it (empty where the options have no digest).
  case truncated(prefix: [UInt8], size: UInt64, digest: [UInt8])

  /// What of it is here.
  package var bytes: [UInt8] {
    switch self {
    case .whole(let bytes): bytes
    case .truncated(let prefix, _, _): prefix
    }
  }

  /// Bytes of the message as it was sent.
  package var size: UInt64 {
    switch self {
    case .whole(let bytes): UInt64(bytes.count)
    case .truncated(_, let size, _): size
    }
  }
}

/// A hash that is fed piece by piece, so that a body need not be in memory to be known. The caller brings it (SHA-256,
/// say): this module computes none.
package protocol BodyDigest {
  mutating func update(_ bytes: UnsafeRawBufferPointer)
  mutating func finalize() -> [UInt8]
}
