import Lifecycle
import Store
import Worker

/// What a restore tells, as JSON: one object for each thing that happened since the backup.
struct RestoreDocument {
  /// Servers, quotas, letters, gaps; each has `kind`.
  let lines: [[UInt8]]
  private let report: RestoreReport

  init(_ report: RestoreReport) {
    self.report = report
    lines =
      report.servers.map { Self.bytes(Self.server($0)) } + report.quotas.map { Self.bytes(Self.quota($0)) }
      + report.letters.map { Self.bytes(Self.letter($0)) } + report.gaps.map { Self.bytes(Self.gap($0)) }
  }

  /// The last object: what was done, with which counts.
  func summary(_ end: RestoreEnd, store path: String?) -> [UInt8] {
    var fields: [Detail.Field] = [
      .init("kind", .text("restore")), .init("file", .text(report.file)),
      .init("storeid", .text(report.backup.storeID.description)),
      .init("backupEpoch", .integer(report.backup.epoch)), .init("backupPosition", .integer(report.backup.position)),
      .init("epoch", .integer(report.newEpoch)),
    ]
    if let latest = report.latest {
      fields.append(.init("lastEpoch", .integer(latest.epoch)))
      fields.append(.init("lastPosition", .integer(latest.position)))
    }
    fields.add("lastEventAt", report.latestAt?.description)
    fields += [
      .init("events", .integer(Int64(report.eventCount))), .init("gaps", .integer(Int64(report.gapCount))),
      .init("servers", .integer(Int64(report.servers.count))),
      .init("withdrawn", .integer(Int64(report.servers.count { $0.command != nil }))),
      .init("quotas", .integer(Int64(report.quotas.count))),
      .init("deadLetters", .integer(Int64(report.letters.count + report.moreLetters))),
      .init("operations", .integer(Int64(report.operationCount))),
      .init("resolvedLetters", .integer(Int64(report.resolvedLetters))),
      .init("givenUpReplays", .integer(Int64(report.givenUpReplays))),
      .init("snapshot", .boolean(report.notesSnapshot)),
    ]
    switch end {
    case .dryRun: fields.append(.init("restored", .boolean(false)))
    case .done(let previous, let listing):
      fields.append(.init("restored", .boolean(true)))
      if case .kept(let aside) = previous { fields.append(.init("keptAs", .text(aside))) }
      fields.append(.init("listing", .text(listing)))
    }
    return Self.bytes(fields)
  }

  private static func bytes(_ fields: [Detail.Field]) -> [UInt8] {
    var writer = JSONWriter()
    writer.value(fields)
    return writer.bytes
  }

  private static func server(_ server: RestoreReport.Server) -> [Detail.Field] {
    let last = server.lost.last
    var then: [Detail.Field] = [
      .init("state", .text(last.state.rawValue)), .init("version", .integer(last.version)),
      .init("epoch", .integer(last.place.epoch)), .init("time", .text(last.time.description)),
    ]
    then.add("subState", last.subState)
    then.add("reason", last.reason)
    then.add("command", last.command)
    then.add("actor", last.actor)
    var fields: [Detail.Field] = [
      .init("kind", .text("server")), .init("serverId", .integer(server.lost.id.rawValue)),
      .init("locationId", .integer(last.locationID.rawValue)),
      .init("instanceTypeId", .integer(last.instanceTypeID.rawValue)),
    ]
    fields.add("name", last.name)
    if let before = server.before { fields.append(.init("backup", state(before))) }
    fields.append(.init("last", .fields(then)))
    fields.append(.init("changes", .integer(Int64(server.lost.changes))))
    if !server.lost.allocations.isEmpty {
      fields.append(.init("allocations", .list(server.lost.allocations.map(allocation))))
    }
    fields.add("command", server.command?.rawValue)
    if let after = server.after { fields.append(.init("now", state(after))) }
    return fields
  }

  private static func state(_ server: Server) -> Detail {
    .fields([.init("state", .text(server.state.name.rawValue)), .init("version", .integer(server.version))])
  }

  private static func allocation(_ allocation: LostAllocation) -> Detail {
    var fields: [Detail.Field] = [
      .init("id", .text(allocation.id.description)), .init("clientId", .integer(allocation.clientID.rawValue)),
    ]
    fields.add("contractId", allocation.contractID)
    fields.add("quotaType", allocation.quotaType)
    fields.add("startedAt", allocation.startedAt)
    fields.add("endedAt", allocation.endedAt)
    fields.add("endedBy", allocation.endedBy)
    fields.append(.init("began", .boolean(allocation.began)))
    fields.append(.init("ended", .boolean(allocation.endedAt != nil)))
    return .fields(fields)
  }

  private static func quota(_ quota: RestoreReport.Quota) -> [Detail.Field] {
    let key = quota.lost.key
    var fields: [Detail.Field] = [
      .init("kind", .text("quota")), .init("clientId", .integer(key.clientID.rawValue)),
    ]
    fields.add("contractId", key.contractID?.rawValue)
    fields += [
      .init("locationId", .integer(key.locationID.rawValue)),
      .init("instanceTypeId", .integer(key.instanceTypeID.rawValue)),
    ]
    fields.add("limit", quota.limit.map(Int64.init))
    fields.add("lastLimit", quota.lost.limit.map(Int64.init))
    fields.append(.init("time", .text(quota.lost.time.description)))
    fields.add("actor", quota.lost.actor)
    return fields
  }

  private static func letter(_ letter: LostLetter) -> [Detail.Field] {
    var fields: [Detail.Field] = [
      .init("kind", .text("deadLetter")), .init("id", .text(letter.id.description)),
      .init("command", .text(letter.command)), .init("code", .text(letter.code)),
      .init("message", .text(letter.message)), .init("time", .text(letter.time.description)),
    ]
    fields.add("serverId", letter.serverID?.rawValue)
    fields.add("clientId", letter.clientID?.rawValue)
    fields.add("operationUuid", letter.operation)
    fields.add("actor", letter.actor)
    return fields
  }

  private static func gap(_ gap: LostStory.Gap) -> [Detail.Field] {
    var fields: [Detail.Field] = [.init("kind", .text("gap")), .init("epoch", .integer(gap.epoch))]
    fields.add("firstPosition", gap.first)
    fields.append(.init("lastPosition", .integer(gap.last)))
    return fields
  }
}
