package import Lifecycle
package import Store

/// Where and when an event stands.
package struct EventPlace: Hashable, Sendable {
  package let storeID: UUID128
  /// Raised when a store is restored from a backup: 0...``EventID/maxEpoch``.
  package let epoch: Int64
  /// Commit order over all events of the store: 0...``EventID/maxPosition``.
  package let position: Int64
  package let time: Timestamp
  /// The header of the command. A malformed one is dropped.
  package let traceparent: String?

  package init(storeID: UUID128, epoch: Int64, position: Int64, time: Timestamp, traceparent: String? = nil) {
    self.storeID = storeID
    self.epoch = epoch
    self.position = position
    self.time = time
    self.traceparent = traceparent
  }

  package var id: UUID128 { EventID.make(storeID: storeID, epoch: epoch, position: position) }
}

/// An event as it is published: the same bytes every time.
package struct EncodedEvent: Hashable, Sendable {
  /// Also the AMQP message-id.
  package let id: UUID128
  package let routingKey: String
  /// A CloudEvents envelope in structured JSON.
  package let bytes: [UInt8]
  package static let contentType = "application/cloudevents+json"
}

/// Puts events into CloudEvents 1.0 envelopes (JSON event format): section 6 of the contract.
package enum EventEncoder {
  package static func encode(_ event: Event, at place: EventPlace) -> EncodedEvent {
    let bytes = envelope(at: place) {
      attributes(of: event, to: &$0)
    } data: {
      data(of: event, to: &$0)
    }
    return EncodedEvent(id: place.id, routingKey: routingKey(of: event), bytes: bytes)
  }

  /// The bytes of the event of a change: the same as those of the `state` event.
  package static func encode(_ change: PublishedChange, at place: EventPlace) -> [UInt8] {
    envelope(at: place) {
      attributes(ofServer: change.serverID, change.event.rawValue, to: &$0)
    } data: {
      data(change.data, version: change.version, to: &$0)
    }
  }

  private static func envelope(
    at place: EventPlace, attributes: (inout JSONWriter) -> Void, data: (inout JSONWriter) -> Void
  ) -> [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    writer.key("specversion")
    writer.value("1.0")
    writer.key("id")
    writer.value(place.id)
    attributes(&writer)
    writer.key("time")
    writer.value(place.time)
    if let traceparent = TraceParent.validated(place.traceparent) {
      writer.key("traceparent")
      writer.value("", traceparent)
    }
    writer.key("storeid")
    writer.value(place.storeID)
    writer.key("epoch")
    writer.value(place.epoch)
    writer.key("position")
    writer.sortable(place.position)
    data(&writer)
    writer.endObject()
    return writer.bytes
  }

  /// The routing key on the events exchange.
  package static func routingKey(of event: Event) -> String {
    switch event {
    case .state(let event): serverKey(event.event.rawValue, event.state, event.locationID)
    case .snapshot(let event): serverKey("snapshot", event.state, event.locationID)
    case .snapshotCompleted: "server.snapshotCompleted"
    case .command(let event): "command." + event.facts.commandText + "." + event.kind.rawValue
    case .quota(let event): "quota." + event.word + "." + event.key.clientID.description
    }
  }

  private static func serverKey(_ event: String, _ state: StateName, _ location: LocationID) -> String {
    var key = "server."
    key.reserveCapacity(64)
    key += event
    key += "."
    key += state.rawValue
    key += "."
    key += location.description
    return key
  }

  /// `source`, `type` and `subject`.
  private static func attributes(of event: Event, to writer: inout JSONWriter) {
    switch event {
    case .state(let event): attributes(ofServer: event.serverID, event.event.rawValue, to: &writer)
    case .snapshot(let event): attributes(ofServer: event.serverID, "snapshot", to: &writer)
    case .snapshotCompleted(let event):
      writer.key("source")
      writer.value("/commands/", event.facts.commandText)
      writer.key("type")
      writer.value("ostler.server.snapshotCompleted.v1")
      if case .server(let id) = event.scope { subject(id, to: &writer) }
    case .command(let event):
      writer.key("source")
      writer.value("/commands/", event.facts.commandText)
      writer.key("type")
      writer.value("ostler.command.", event.kind.rawValue, ".v1")
      if let id = event.serverID { subject(id, to: &writer) }
    case .quota(let event):
      writer.key("source")
      writer.value("/quotas/", event.key.clientID.rawValue)
      writer.key("type")
      writer.value("ostler.quota.", event.word, ".v1")
    }
  }

  private static func attributes(ofServer id: ServerID, _ event: String, to writer: inout JSONWriter) {
    writer.key("source")
    writer.value("/servers/", id.rawValue)
    writer.key("type")
    writer.value("ostler.server.", event, ".v1")
    subject(id, to: &writer)
  }

  private static func subject(_ id: ServerID, to writer: inout JSONWriter) {
    writer.key("subject")
    writer.value("", id.rawValue)
  }

  /// `sequence` where there is one, and `data`.
  private static func data(of event: Event, to writer: inout JSONWriter) {
    switch event {
    case .state(let event): data(event.data, version: event.version, to: &writer)
    case .snapshot(let event): data(event.data, version: event.version, to: &writer)
    case .snapshotCompleted(let event): data(event, to: &writer)
    case .command(let event): data(event, to: &writer)
    case .quota(let event): data(event, to: &writer)
    }
  }

  private static func data(_ bytes: [UInt8], version: Int64, to writer: inout JSONWriter) {
    writer.key("sequence")
    writer.sortable(version)
    writer.key("data")
    writer.verbatim(bytes)
  }

  private static func data(_ event: SnapshotCompleted, to writer: inout JSONWriter) {
    writer.key("data")
    writer.beginObject()
    event.facts.write(to: &writer)
    writer.key("scope")
    switch event.scope {
    case .all: writer.value("all")
    case .server(let id):
      writer.value("server")
      writer.key("serverId")
      writer.value(id.rawValue)
    case .location(let id):
      writer.value("location")
      writer.key("locationId")
      writer.value(id.rawValue)
    }
    writer.key("count")
    writer.value(event.count)
    writer.endObject()
  }

  private static func data(_ event: CommandEvent, to writer: inout JSONWriter) {
    writer.key("data")
    writer.beginObject()
    event.facts.write(to: &writer)
    writer.optional("serverId", event.serverID?.rawValue)
    writer.optional("clientId", event.clientID?.rawValue)
    if let error = event.error {
      writer.key("error")
      writer.verbatim(error)
    }
    writer.optional("deadLetterId", event.deadLetterID)
    writer.endObject()
  }

  private static func data(_ event: QuotaEvent, to writer: inout JSONWriter) {
    writer.key("data")
    writer.beginObject()
    writer.key("clientId")
    writer.value(event.key.clientID.rawValue)
    writer.optional("contractId", event.key.contractID?.rawValue)
    writer.key("locationId")
    writer.value(event.key.locationID.rawValue)
    writer.key("instanceTypeId")
    writer.value(event.key.instanceTypeID.rawValue)
    writer.key("quotaType")
    writer.value(event.key.quotaType.rawValue)
    writer.optional("oldLimit", event.oldLimit.map(Int64.init))
    writer.optional("newLimit", event.newLimit.map(Int64.init))
    event.facts.write(to: &writer)
    writer.endObject()
  }
}
