package import Lifecycle

/// One line of a server's story: a change, or a command that was rejected because the server was quarantined.
package struct HistoryEntry: Hashable, Sendable {
  package enum Happening: Hashable, Sendable {
    /// The change that made ``HistoryEntry/version``.
    case changed(ServerEvent)
    /// Refused while the server was at ``HistoryEntry/version``.
    case rejected(RejectionCode)
  }

  /// Of the event that told of it.
  package let position: Int64
  package let serverID: ServerID
  package let version: Int64
  package let at: Timestamp
  package let happening: Happening
  package let command: CommandName
  /// What the sender called the operation.
  package let operation: String?
  /// The principal that asked for it.
  package let actor: String?
  /// Who replayed it, where it came out of a dead letter.
  package let replayedBy: String?
  package let reason: String?
  /// `enroll`: when the allocation or availability began, as the sender said.
  package let since: Timestamp?
  /// JSON of the state as that version left it; opaque to the store. Every change has it.
  package let data: [UInt8]?

  package init(
    position: Int64, serverID: ServerID, version: Int64, at: Timestamp, happening: Happening, command: CommandName,
    operation: String? = nil, actor: String? = nil, replayedBy: String? = nil, reason: String? = nil,
    since: Timestamp? = nil,
    data: [UInt8]? = nil
  ) {
    self.position = position
    self.serverID = serverID
    self.version = version
    self.at = at
    self.happening = happening
    self.command = command
    self.operation = operation
    self.actor = actor
    self.replayedBy = replayedBy
    self.reason = reason
    self.since = since
    self.data = data
  }
}
