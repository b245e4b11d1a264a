import AMQP
import CCrypto

/// SHA-256 (FIPS 180-4) of bytes that come piece by piece, so that a body need not be in memory as a whole.
package struct SHA256BodyDigest: BodyDigest, Sendable {
  package static let byteCount = 32
  private var state = SHA256State()

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if !isKnownUniquelyReferenced(&state) { state = SHA256State(copy: state) }
    state.update(bytes)
  }

  package mutating func finalize() -> [UInt8] { SHA256State(copy: state).finish() }

  package static func of(_ bytes: [UInt8]) -> [UInt8] {
    let state = SHA256State()
    bytes.withUnsafeBytes { state.update($0) }
    return state.finish()
  }
}

/// A digest under way in libcrypto.
// Unchecked: changed only by its one owner (`SHA256BodyDigest` copies before it writes to one that is shared).
private final class SHA256State: @unchecked Sendable {
  /// Fetched once: OpenSSL 3 looks an algorithm up by name each time it is not (EVP_MD_fetch(3)).
  // Unsafe: written once, and libcrypto's method objects may be used by any thread (openssl-threads(7)).
  private nonisolated(unsafe) static let algorithm: OpaquePointer = {
    guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else {
      preconditionFailure("libcrypto has no SHA-256: its default provider is not loaded")
    }
    return algorithm
  }()

  private let context: OpaquePointer

  init() {
    context = Self.makeContext()
    Self.expectSuccess(EVP_DigestInit_ex2(context, Self.algorithm, nil))
  }

  init(copy other: SHA256State) {
    context = Self.makeContext()
    Self.expectSuccess(EVP_MD_CTX_copy_ex(context, other.context))
  }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    Self.expectSuccess(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count))
  }

  /// Ends it: nothing may be added afterwards.
  func finish() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: SHA256BodyDigest.byteCount) { digest, count in
      Self.expectSuccess(EVP_DigestFinal_ex(context, digest.baseAddress, nil))
      count = SHA256BodyDigest.byteCount
    }
  }

  private static func makeContext() -> OpaquePointer {
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a digest") }
    return context
  }

  /// With an algorithm that was fetched these calls fail only when they are misused.
  private static func expectSuccess(_ result: Int32) {
    precondition(result == 1, "libcrypto refused a step of SHA-256")
  }
}
