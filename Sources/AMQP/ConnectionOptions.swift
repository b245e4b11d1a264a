/// How a `Connection` behaves. The defaults suit a server on the same site as its broker.
package struct ConnectionOptions: Sendable {
  package struct TLS: Sendable {
    /// PEM file with the certificates of the authorities to trust; nil: the system's.
    package var caFile: String?
    package var verifyPeer = true
    package var verifyHostName = true

    package init(caFile: String? = nil, verifyPeer: Bool = true, verifyHostName: Bool = true) {
      self.caFile = caFile
      self.verifyPeer = verifyPeer
      self.verifyHostName = verifyHostName
    }
  }

  /// Shown by the broker's tools (client property `connection_name`).
  package var name: String
  /// Asked for; the lower of ours and the broker's counts. Whole seconds, at least 1 s. A peer that is silent for two of
  /// them is given up.
  package var heartbeat: Duration = .seconds(15)
  /// For the TCP (and TLS) connection to one address, and again for the login there.
  package var connectTimeout: Duration = .seconds(10)
  /// For the broker's answer to one request. When it passes, the connection is given up: nobody knows what it did.
  package var requestTimeout: Duration = .seconds(20)
  /// How long `close()` waits for the broker's goodbye.
  package var closeTimeout: Duration = .seconds(3)
  /// Largest frame to agree on, 8192 bytes or more (RabbitMQ 4.x refuses less). Larger ones from the broker are read all
  /// the same, up to 1 MiB: it sends headers that outgrew the limit (a client's big header plus `x-death`).
  package var frameMaxBytes = 131_072
  /// Bodies over this are not kept whole: see `Body.truncated`.
  package var wholeBodyMaxBytes = 1_048_576
  /// Bytes that are kept of a larger one.
  package var truncatedBodyPrefixBytes = 65_536
  /// Makes the digest for a body that is not kept whole.
  package var makeDigest: (@Sendable () -> any BodyDigest)?
  /// Read ahead while nobody calls `receive`; what is more stays in the socket.
  package var readAheadMaxCount = 512
  /// The same in bytes.
  package var readAheadMaxBytes = 1_048_576
  /// When nobody has taken anything for that long, the read-ahead may grow to 64 times those bounds: RabbitMQ closes a
  /// connection into which it could write nothing for 30 s.
  package var readAheadPatience: Duration = .seconds(10)
  package var tls = TLS()

  package init(name: String) { self.name = name }
}
