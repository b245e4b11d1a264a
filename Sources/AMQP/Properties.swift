/// The properties of a message (AMQP 0-9-1, basic class). nil is "not there", which is not the same as empty.
///
/// The strings are short strings: see ``ShortString`` for bytes that are not UTF-8.
package struct Properties: Sendable, Hashable {
  package var contentType: String?
  package var contentEncoding: String?
  /// nil when the message has no header table. See `headersWereCut`.
  package var headers: FieldTable?
  /// 1 transient, 2 persistent.
  package var deliveryMode: UInt8?
  package var priority: UInt8?
  package var correlationID: String?
  package var replyTo: String?
  /// Milliseconds, as text.
  package var expiration: String?
  package var messageID: String?
  /// Seconds since 1970.
  package var timestamp: UInt64?
  package var type: String?
  package var userID: String?
  package var appID: String?
  package var clusterID: String?

  /// The header table was nested deeper than `FieldTable.maxDepth` or had more than `FieldTable.maxValues` values:
  /// `headers` has what came before, a `void` stands where something was cut out.
  package internal(set) var headersWereCut = false

  package init(
    contentType: String? = nil, contentEncoding: String? = nil, headers: FieldTable? = nil, deliveryMode: UInt8? = nil,
    priority: UInt8? = nil, correlationID: String? = nil, replyTo: String? = nil, expiration: String? = nil,
    messageID: String? = nil, timestamp: UInt64? = nil, type: String? = nil, userID: String? = nil,
    appID: String? = nil, clusterID: String? = nil
  ) {
    self.contentType = contentType
    self.contentEncoding = contentEncoding
    self.headers = headers
    self.deliveryMode = deliveryMode
    self.priority = priority
    self.correlationID = correlationID
    self.replyTo = replyTo
    self.expiration = expiration
    self.messageID = messageID
    self.timestamp = timestamp
    self.type = type
    self.userID = userID
    self.appID = appID
    self.clusterID = clusterID
  }
}

extension Properties {
  /// Bytes on the wire: flags, then what is there.
  /// - Throws: `invalidArgument` that names the property which is too long.
  func encodedBytes() throws(AMQPError) -> Int {
    var bytes = 2
    func add(_ name: String, _ text: String?) throws(AMQPError) {
      guard let text else { return }
      let count = ShortString.byteCount(text)
      guard count <= ShortString.maxBytes else {
        throw AMQPError(
          .invalidArgument, "the property \(name) has \(count) bytes; \(ShortString.maxBytes) are allowed")
      }
      bytes += 1 + count
    }
    try add("content-type", contentType)
    try add("content-encoding", contentEncoding)
    if let headers { bytes += try headers.encodedBytes("the header table") }
    if deliveryMode != nil { bytes += 1 }
    if priority != nil { bytes += 1 }
    try add("correlation-id", correlationID)
    try add("reply-to", replyTo)
    try add("expiration", expiration)
    try add("message-id", messageID)
    if timestamp != nil { bytes += 8 }
    try add("type", type)
    try add("user-id", userID)
    try add("app-id", appID)
    try add("cluster-id", clusterID)
    return bytes
  }
}
