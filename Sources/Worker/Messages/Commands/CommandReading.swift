import Lifecycle

/// What each command's body says (section 2 of the contract, one function a command).
extension CommandFields {
  /// Optional text may be empty and is kept as given. What identifies (`name`, `caseId`), and a reason that must be
  /// given, must not be: an empty case would look like the hold without a case.
  private static let reasonLength = 0...1000
  private static let requiredReasonLength = 1...1000
  private static let nameLength = 1...200

  func command(_ name: CommandName) throws(Rejection) -> Command {
    switch name {
    case .allocate: .allocate(try allocate())
    case .deallocate:
      try onServer(.deallocate(clientID: requiredIdentifier(.clientId), allocationID: uuid(.allocationId)))
    case .compensate:
      try onServer(
        .compensate(
          clientID: requiredIdentifier(.clientId), allocationID: uuid(.allocationId), reason: reason()))
    case .isolate:
      try onServer(
        .isolate(
          Isolation(subState: required(.subState, SubState.self), reason: reason()), baselineID: uuid(.baselineId)))
    case .unisolate: try onServer(.unisolate)
    case .available: try onServer(.available(baselineID: uuid(.baselineId)))
    case .quarantine: try onServer(.quarantine(caseID: text(.caseId, in: Self.nameLength), reason: reason()))
    case .unquarantine:
      try onServer(
        .unquarantine(
          required(.outcome, UnquarantineOutcome.self), caseID: text(.caseId, in: Self.nameLength),
          reason: requiredText(.reason, in: Self.requiredReasonLength)))
    case .enroll: try onServer(.enroll(enrollment()))
    case .reclassify:
      try onServer(
        .reclassify(
          Reclassification(
            locationID: identifier(.locationId), instanceTypeID: identifier(.instanceTypeId),
            name: text(.name, in: Self.nameLength), reason: reason())))
    case .decommission: try onServer(.decommission(reason: reason()))
    case .setQuota: try setQuota()
    case .snapshot: .snapshot(try snapshot())
    }
  }

  private func onServer(_ command: ServerCommand) throws(Rejection) -> Command {
    .onServer(try requiredIdentifier(.serverId), command)
  }

  private func reason() throws(Rejection) -> String? { try text(.reason, in: Self.reasonLength) }

  private func required<Word: RawRepresentable & CaseIterable>(
    _ field: CommandField, _: Word.Type
  ) throws(Rejection) -> Word where Word.RawValue == String {
    guard let word = try word(field, Word.self) else {
      throw FieldProblem.invalid(field, kind: kind(field), allowed: Self.words(Word.self))
    }
    return word
  }

  private func allocate() throws(Rejection) -> AllocateRequest {
    AllocateRequest(
      locationID: try requiredIdentifier(.locationId), instanceTypeID: try requiredIdentifier(.instanceTypeId),
      clientID: try requiredIdentifier(.clientId), contractID: try contract(), overflow: try flag(.overflow) ?? false)
  }

  private func snapshot() throws(Rejection) -> SnapshotScope {
    let server: ServerID? = try identifier(.serverId)
    let location: LocationID? = try identifier(.locationId)
    switch (server, location) {
    case (nil, nil): return .all
    case (let server?, nil): return .server(server)
    case (nil, let location?): return .location(location)
    case (_?, _?):
      throw FieldProblem.invalid(
        .locationId, kind: .integer, problem: "is given together with serverId",
        allowed: .text("serverId or locationId, not both; neither for all servers"))
    }
  }

  // MARK: set-quota

  private func setQuota() throws(Rejection) -> Command {
    let client: ClientID = try requiredIdentifier(.clientId, from: 0)
    let contract = try contract()
    let location: LocationID = try requiredIdentifier(.locationId, from: 0)
    let type: InstanceTypeID = try requiredIdentifier(.instanceTypeId, from: 0)
    if contract != nil {
      let rule = "an integer from 1 to \(maxIdentifier), as the row has a contractId"
      if client == .nobody { throw zero(.clientId, allowed: rule) }
      if location == .any { throw zero(.locationId, allowed: rule) }
      if type == .any { throw zero(.instanceTypeId, allowed: rule) }
    } else if location == .any, type != .any {
      throw zero(
        .locationId, allowed: "0 together with instanceTypeId 0, or an integer from 1 to \(maxIdentifier)")
    }
    let key = QuotaKey(clientID: client, contractID: contract, locationID: location, instanceTypeID: type)
    return .setQuota(key, limit: try limit())
  }

  private func zero(_ field: CommandField, allowed: String) -> Rejection {
    FieldProblem.invalid(field, kind: .integer, problem: "is 0, which does not fit this row", allowed: .text(allowed))
  }

  /// Must be there; `null` removes the row.
  private func limit() throws(Rejection) -> Int? {
    let range = 0...Int64(QuotaRow.maxLimit)
    switch given(.limit) {
    case .null?: return nil
    case .integer(let number)? where range.contains(number): return Int(number)
    case let other:
      throw FieldProblem.invalid(
        .limit, kind: other?.kind ?? .absent,
        problem: other?.kind == .integer ? "is an integer out of range" : nil,
        allowed: .text("an integer from 0 to \(QuotaRow.maxLimit), or null to remove the row"))
    }
  }

  // MARK: enroll

  private func enrollment() throws(Rejection) -> Enrollment {
    let location: LocationID = try requiredIdentifier(.locationId)
    let type: InstanceTypeID = try requiredIdentifier(.instanceTypeId)
    let name = try text(.name, in: Self.nameLength)
    let reason = try reason()
    return Enrollment(
      locationID: location, instanceTypeID: type, name: name, state: try enrolledState(), reason: reason,
      since: try time(.since))
  }

  /// The states a server can be enrolled in; the names are the contract's.
  private enum EnrolledStateName: String, CaseIterable {
    case new, backToBaseline, available, allocated, isolated, quarantined
  }

  private func enrolledState() throws(Rejection) -> EnrolledState {
    let name = try word(.state, EnrolledStateName.self) ?? .new
    let subState = try word(.subState, SubState.self)
    let tenancy = try tenancy(isRequired: name == .allocated)
    if subState != nil, name != .isolated { throw unfit(.subState, allowed: "subState only in state isolated") }
    let mayHaveTenant = name == .allocated || name == .quarantined
    if tenancy != nil, !mayHaveTenant {
      throw unfit(.clientId, allowed: "clientId only in the states allocated and quarantined")
    }
    if value(.since) != nil, tenancy == nil, name != .available {
      throw unfit(.since, allowed: "since only with an allocation (clientId) or in state available")
    }
    switch name {
    case .new: return .new
    case .backToBaseline: return .backToBaseline
    case .available: return .available
    case .allocated:
      guard let tenancy else { preconditionFailure("a tenancy is demanded for this state") }
      return .allocated(tenancy)
    case .isolated:
      guard let subState else {
        throw FieldProblem.invalid(.subState, kind: kind(.subState), allowed: Self.words(SubState.self))
      }
      return .isolated(subState)
    case .quarantined: return .quarantined(tenancy)
    }
  }

  private func tenancy(isRequired: Bool) throws(Rejection) -> Tenancy? {
    let client: ClientID? = try identifier(.clientId)
    let contract = try contract()
    let quotaType = try word(.quotaType, QuotaType.self)
    guard let client else {
      if isRequired {
        throw FieldProblem.invalid(
          .clientId, kind: kind(.clientId),
          allowed: .text("an integer from 1 to \(maxIdentifier), as the state is allocated"))
      }
      if contract != nil { throw unfit(.contractId, allowed: "contractId only together with clientId") }
      if quotaType != nil { throw unfit(.quotaType, allowed: "quotaType only together with clientId") }
      return nil
    }
    if quotaType == .commit, contract == nil {
      throw unfit(.quotaType, allowed: "commit only together with contractId, else onDemand")
    }
    return Tenancy(clientID: client, contractID: contract, quotaType: quotaType)
  }

  private func unfit(_ field: CommandField, allowed: String) -> Rejection {
    FieldProblem.invalid(
      field, kind: kind(field), problem: "does not fit the rest of the body", allowed: .text(allowed))
  }
}
