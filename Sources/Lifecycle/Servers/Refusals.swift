// What the state table tells the sender when it refuses: the state now, and what is allowed in it.
extension Rejection {
  package static func unknownServer(_ id: ServerID) -> Rejection {
    Rejection(
      .unknownServer,
      "server \(id) is not known here; enroll it first, then send this command again",
      details: [.init("serverId", .integer(id.rawValue))] + accepts(in: nil))
  }

  static func staleVersion(_ server: Server, asked: Int64) -> Rejection {
    let relation = asked > server.version ? "has not reached" : "is past"
    return Rejection(
      .staleVersion,
      "server \(server.id) is at version \(server.version) and \(relation) version \(asked) of ifVersion; "
        + "read its state again and decide anew",
      details: stateNow(server) + [.init("ifVersion", .integer(asked))])
  }

  static func refused(_ code: RejectionCode, _ command: CommandName, on server: Server) -> Rejection {
    let accepted = StateTable.accepted(in: server.state.name).map(\.rawValue).joined(separator: ", ")
    return Rejection(
      code,
      "server \(server.id) is \(server.state.name.rawValue) (version \(server.version)), "
        + "where \(command.rawValue) is not allowed; allowed now: \(accepted)",
      details: stateNow(server))
  }

  static func serverExists(_ server: Server) -> Rejection {
    Rejection(
      .serverExists,
      "server \(server.id) is enrolled already with another location, type or name; use reclassify to change them",
      details: stateNow(server) + [
        .init("locationId", .integer(server.locationID.rawValue)),
        .init("instanceTypeId", .integer(server.instanceTypeID.rawValue)),
      ] + (server.name.map { [.init("name", .text($0))] } ?? []))
  }

  // The holder is not named: a sender who guesses server ids must not learn whose they are.
  static func clientMismatch(_ server: Server, _ clientID: ClientID) -> Rejection {
    Rejection(
      .clientMismatch,
      "client \(clientID) does not hold server \(server.id) and is not the holder of the allocation that was meant; "
        + "check clientId and serverId",
      details: stateNow(server) + [.init("clientId", .integer(clientID.rawValue))])
  }

  static func unknownAllocation(_ server: Server, _ allocationID: UUID128) -> Rejection {
    Rejection(
      .unknownAllocation,
      "server \(server.id) has had no allocation \(allocationID) since it was enrolled; check allocationId and serverId",
      details: stateNow(server) + [.init("allocationId", .text(allocationID.description))])
  }

  static func alreadyDeallocated(_ server: Server, _ past: Allocation, endedAt: Timestamp) -> Rejection {
    Rejection(
      .alreadyDeallocated,
      "allocation \(past.id) of server \(server.id) was ended by deallocate at \(endedAt); "
        + "it is billable and compensate cannot change that",
      details: stateNow(server) + [
        .init("allocationId", .text(past.id.description)), .init("endedAt", .text(endedAt.description)),
      ])
  }

  static func staleBaseline(_ server: Server, _ command: CommandName) -> Rejection {
    Rejection(
      .staleBaseline,
      "baselineId of this \(command.rawValue) is not that of the current Back to Baseline run of server \(server.id); "
        + "an older run has reported late, and nothing is to be done for it",
      details: stateNow(server))
  }

  static func heldByOtherCase(_ server: Server, _ remaining: [Hold]) -> Rejection {
    Rejection(
      .heldByOtherCase,
      "server \(server.id) is held by \(remaining.count) other case(s); it is wiped only when no other hold remains: "
        + "release those, or use outcome restore to release only this one",
      details: stateNow(server) + [
        .init("holds", .list(remaining.map { $0.caseID.map(Detail.text) ?? .null }))
      ])
  }

  /// The state now and the commands that it accepts.
  private static func stateNow(_ server: Server) -> [Detail.Field] {
    var fields: [Detail.Field] = [
      .init("serverId", .integer(server.id.rawValue)),
      .init("state", .text(server.state.name.rawValue)),
    ]
    if case .isolated(let isolation) = server.state {
      fields.append(.init("subState", .text(isolation.subState.rawValue)))
    }
    if case .backToBaseline(let baselineID) = server.state {
      fields.append(.init("baselineId", .text(baselineID.description)))
    }
    fields.append(.init("version", .integer(server.version)))
    return fields + accepts(in: server.state.name)
  }

  private static func accepts(in state: StateName?) -> [Detail.Field] {
    [.init("accepts", .list(StateTable.accepted(in: state).map { .text($0.rawValue) }))]
  }
}
