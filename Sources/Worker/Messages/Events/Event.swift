package import Lifecycle

/// Something that Ostler publishes, before it is put into its envelope.
package enum Event: Hashable, Sendable {
  case state(StateEvent)
  case snapshot(SnapshotEvent)
  case snapshotCompleted(SnapshotCompleted)
  case command(CommandEvent)
  case quota(QuotaEvent)
}

/// A change of a server. `data` is its ``StateDocument``.
package struct StateEvent: Hashable, Sendable {
  package let event: ServerEvent
  package let serverID: ServerID
  package let version: Int64
  package let state: StateName
  package let locationID: LocationID
  package let data: [UInt8]

  package init(
    event: ServerEvent, serverID: ServerID, version: Int64, state: StateName, locationID: LocationID, data: [UInt8]
  ) {
    self.event = event
    self.serverID = serverID
    self.version = version
    self.state = state
    self.locationID = locationID
    self.data = data
  }
}

/// A server as it is. `data` is what its last change published, byte by byte.
package struct SnapshotEvent: Hashable, Sendable {
  package let serverID: ServerID
  package let version: Int64
  package let state: StateName
  package let locationID: LocationID
  package let data: [UInt8]

  package init(serverID: ServerID, version: Int64, state: StateName, locationID: LocationID, data: [UInt8]) {
    self.serverID = serverID
    self.version = version
    self.state = state
    self.locationID = locationID
    self.data = data
  }
}

/// The end of a snapshot's run.
package struct SnapshotCompleted: Hashable, Sendable {
  package let scope: SnapshotScope
  /// How many servers were published.
  package let count: Int64
  package let facts: OperationFacts

  package init(scope: SnapshotScope, count: Int64, facts: OperationFacts) {
    self.scope = scope
    self.count = count
    self.facts = facts
  }
}

/// What became of a command that changed no server.
package struct CommandEvent: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    case rejected, unchanged
    /// Taken in from the broker's dead letters.
    case deadLettered
    case replayed
  }
  package let kind: Kind
  package let facts: OperationFacts
  package let serverID: ServerID?
  package let clientID: ClientID?
  /// Encoded by ``ErrorPart``.
  package let error: [UInt8]?
  package let deadLetterID: UUID128?

  package init(
    kind: Kind, facts: OperationFacts, serverID: ServerID? = nil, clientID: ClientID? = nil, error: [UInt8]? = nil,
    deadLetterID: UUID128? = nil
  ) {
    self.kind = kind
    self.facts = facts
    self.serverID = serverID
    self.clientID = clientID
    self.error = error
    self.deadLetterID = deadLetterID
  }
}

/// A quota row that was set (`newLimit`) or removed (no `newLimit`).
package struct QuotaEvent: Hashable, Sendable {
  package let key: QuotaKey
  package let oldLimit: Int?
  package let newLimit: Int?
  package let facts: OperationFacts

  package init(key: QuotaKey, oldLimit: Int?, newLimit: Int?, facts: OperationFacts) {
    self.key = key
    self.oldLimit = oldLimit
    self.newLimit = newLimit
    self.facts = facts
  }

  /// The word of the routing key and the type.
  package var word: String { newLimit == nil ? "removed" : "set" }
}
