/// Decides one command for one server by the state table (contract section 3).
///
/// - Parameters:
///   - server: the server as it is, `nil` when it is not known.
///   - ifVersion: the version that the sender wants the server to be at.
///   - facts: with the answer to ``Question/init(before:on:)``, where there is one.
package func decide(
  _ command: ServerCommand, for id: ServerID, on server: Server?, ifVersion: Int64?, facts: Facts
) -> Decision {
  guard let row = StateTable.row(for: command.name) else { preconditionFailure("\(command.name) is for one server") }
  guard let server else {
    if case .enroll(let enrollment) = command {
      return .apply(Enrolment(of: id, as: enrollment, after: nil, facts: facts).transition)
    }
    return .wait(.unknownServer(id), for: .state)
  }
  if let ifVersion, ifVersion != server.version {
    let rejection = Rejection.staleVersion(server, asked: ifVersion)
    return ifVersion > server.version ? .wait(rejection, for: .version) : .reject(rejection)
  }
  let change = Change(of: server, facts: facts)
  switch row[server.state.name] {
  case .unchanged: return .unchanged
  case .reject(let code): return .reject(.refused(code, command.name, on: server))
  case .wait(let code): return .wait(.refused(code, command.name, on: server), for: .state)
  case .apply, .release, .currentRun, .cause, .addHold, .releaseHold, .compare, .ifDifferent:
    return change.decide(command)
  }
}

/// Decides an `allocate` for which the quota has room: gives the client the server that has been available longest.
///
/// - Parameter candidate: the server of that type at that location that has been available longest.
package func decide(
  _ request: AllocateRequest, charge: QuotaCharge, candidate: Server?, facts: Facts
) -> Decision {
  guard let candidate else { return .reject(.noCapacity(request, charge)) }
  precondition(candidate.state == .available, "only an available server is allocated")
  let allocation = Allocation(
    id: facts.freshID, serverID: candidate.id, clientID: request.clientID, contractID: request.contractID,
    quotaType: charge.quotaType, locationID: request.locationID, instanceTypeID: request.instanceTypeID,
    startedAt: max(facts.now, candidate.changedAt))
  return .apply(
    Change(of: candidate, facts: facts).to(.allocated(allocation), .allocated, allocation: .began(allocation)))
}
