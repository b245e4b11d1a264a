package import Lifecycle

/// The state of a server as events (`data`) and replies (`server`) say it: section 6 of the contract. What does not
/// apply is left out.
package enum StateDocument {
  /// - Parameters:
  ///   - facts: `nil` where the state is told as it is and no command led to the telling.
  ///   - allocation: what the change did to the allocation; without a change the one that runs is written.
  package static func encode(_ server: Server, _ facts: OperationFacts?, allocation: AllocationChange) -> [UInt8] {
    var writer = JSONWriter(capacity: 768)
    writer.beginObject()
    writer.key("serverId")
    writer.value(server.id.rawValue)
    writer.optional("name", server.name)
    writer.key("version")
    writer.value(server.version)
    writer.key("state")
    writer.value(server.state.name.rawValue)
    if case .isolated(let isolation) = server.state {
      writer.key("subState")
      writer.value(isolation.subState.rawValue)
    }
    writer.optional("reason", server.reason)
    writer.optional("previousState", server.previousState?.rawValue)
    writer.key("locationId")
    writer.value(server.locationID.rawValue)
    writer.key("instanceTypeId")
    writer.value(server.instanceTypeID.rawValue)
    switch server.state {
    case .backToBaseline(let baselineID):
      writer.key("baselineId")
      writer.value(baselineID)
    case .quarantined(let quarantine): write(quarantine, to: &writer)
    case .new, .available, .allocated, .isolated, .decommissioned: break
    }
    facts?.write(to: &writer)
    switch allocation {
    case .none:
      if let live = server.state.liveAllocation { write(live, to: &writer) }
    case .began(let changed), .ended(let changed): write(changed, to: &writer)
    }
    writer.endObject()
    return writer.bytes
  }

  private static func write(_ quarantine: Quarantine, to writer: inout JSONWriter) {
    writer.key("holds")
    writer.beginArray()
    for hold in quarantine.holds {
      if let caseID = hold.caseID { writer.value(caseID) } else { writer.null() }
    }
    writer.endArray()
    writer.key("heldState")
    writer.beginObject()
    writer.key("state")
    writer.value(quarantine.held.name.rawValue)
    if case .isolated(let isolation) = quarantine.held {
      writer.key("subState")
      writer.value(isolation.subState.rawValue)
      writer.optional("reason", isolation.reason)
    }
    writer.endObject()
  }

  private static func write(_ allocation: Allocation, to writer: inout JSONWriter) {
    writer.key("allocation")
    writer.beginObject()
    writer.key("id")
    writer.value(allocation.id)
    writer.key("clientId")
    writer.value(allocation.clientID.rawValue)
    writer.optional("contractId", allocation.contractID?.rawValue)
    writer.key("quotaType")
    writer.value(allocation.quotaType.rawValue)
    writer.key("startedAt")
    writer.value(allocation.startedAt)
    if let end = allocation.end {
      writer.key("endedAt")
      writer.value(end.at)
      writer.key("endedBy")
      writer.value(end.by.rawValue)
    }
    writer.key("billable")
    writer.value(allocation.isBillable)
    writer.endObject()
  }
}
