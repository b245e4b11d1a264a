package import Lifecycle

/// What is known of a decided operation, mostly as it is stored.
package struct Reply: Hashable, Sendable {
  /// Where a server is now, when it has moved on since.
  package struct Current: Hashable, Sendable {
    package let state: StateName
    package let version: Int64
    package init(state: StateName, version: Int64) {
      self.state = state
      self.version = version
    }
  }

  package var command: CommandName
  package var operation: String?
  package var outcome: Outcome
  /// The stored outcome again, of a message that was decided before.
  package var isDuplicate: Bool
  /// The ``StateDocument`` that the operation left.
  package var server: [UInt8]?
  package var current: Current?
  /// Encoded by ``QuotaPart``.
  package var quota: [UInt8]?
  package var eventIDs: [UUID128]
  package var deadLetterID: UUID128?
  /// Encoded by ``ErrorPart``.
  package var error: [UInt8]?

  package init(
    command: CommandName, operation: String? = nil, outcome: Outcome, isDuplicate: Bool = false,
    server: [UInt8]? = nil, current: Current? = nil, quota: [UInt8]? = nil, eventIDs: [UUID128] = [],
    deadLetterID: UUID128? = nil, error: [UInt8]? = nil
  ) {
    self.command = command
    self.operation = operation
    self.outcome = outcome
    self.isDuplicate = isDuplicate
    self.server = server
    self.current = current
    self.quota = quota
    self.eventIDs = eventIDs
    self.deadLetterID = deadLetterID
    self.error = error
  }
}

/// Writes replies: section 4 of the contract. Parts that are absent are left out.
package enum ReplyEncoder {
  package static let contentType = "application/json"

  package static func encode(_ reply: Reply) -> [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    writer.key("command")
    writer.value(reply.command.rawValue)
    writer.optional("operationUuid", reply.operation)
    writer.key("outcome")
    writer.value(reply.outcome.rawValue)
    writer.key("duplicate")
    writer.value(reply.isDuplicate)
    part("server", reply.server, to: &writer)
    if let current = reply.current {
      writer.key("current")
      writer.beginObject()
      writer.key("state")
      writer.value(current.state.rawValue)
      writer.key("version")
      writer.value(current.version)
      writer.endObject()
    }
    part("quota", reply.quota, to: &writer)
    if !reply.eventIDs.isEmpty {
      writer.key("eventIds")
      writer.beginArray()
      for id in reply.eventIDs { writer.value(id) }
      writer.endArray()
    }
    writer.optional("deadLetterId", reply.deadLetterID)
    part("error", reply.error, to: &writer)
    writer.endObject()
    return writer.bytes
  }

  private static func part(_ name: StaticString, _ bytes: [UInt8]?, to writer: inout JSONWriter) {
    guard let bytes else { return }
    writer.key(name)
    writer.verbatim(bytes)
  }
}
