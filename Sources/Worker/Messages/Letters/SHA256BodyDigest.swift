import AMQP
import Crypto

/// SHA-256 (FIPS 180-4) of a body, also of one that is never in memory as a whole.
package struct SHA256BodyDigest: BodyDigest, Sendable {
  package static let byteCount = 32
  private var hash = SHA256()

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) { hash.update(bufferPointer: bytes) }

  package mutating func finalize() -> [UInt8] { Array(hash.finalize()) }

  package static func of(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }
}
