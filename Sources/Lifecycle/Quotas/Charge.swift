extension QuotaSituation {
  /// Finds the room for one more allocation (contract section 5, rules 1 to 4), or says which row has none.
  ///
  /// - Throws: `quota-exceeded`, `quota-not-configured`, `contract-unknown`.
  package func charge(for request: AllocateRequest) throws(Rejection) -> QuotaCharge {
    if let contractID = request.contractID {
      if let commit, commitUse < commit.limit { return QuotaCharge(row: commit, used: commitUse + 1) }
      guard request.overflow else {
        guard let commit else { throw .contractUnknown(request, contractID) }
        throw .quotaExceeded(request, commit, used: commitUse)
      }
    }
    guard let onDemand else { throw .quotaNotConfigured(request) }
    let limits = [(onDemand, onDemandUse), (locationCap, locationUse), (clientCap, clientUse)]
    for case (let row?, let used) in limits where used >= row.limit {
      throw .quotaExceeded(request, row, used: used)
    }
    return QuotaCharge(row: onDemand, used: onDemandUse + 1)
  }
}

extension Rejection {
  static func quotaExceeded(_ request: AllocateRequest, _ row: QuotaRow, used: Int) -> Rejection {
    Rejection(
      .quotaExceeded,
      "client \(request.clientID) uses \(used) of the \(row.limit) server(s) that its quota for \(row.key.scope) allows; "
        + "raise that quota, or wait until one is returned",
      details: details(of: row, for: request.clientID, used: used))
  }

  static func quotaNotConfigured(_ request: AllocateRequest) -> Rejection {
    Rejection(
      .quotaNotConfigured,
      "neither client \(request.clientID) nor client 0 (the default) has an on-demand quota for type "
        + "\(request.instanceTypeID) at location \(request.locationID); set one with set-quota",
      details: wanted(request, contractID: nil))
  }

  static func contractUnknown(_ request: AllocateRequest, _ contractID: ContractID) -> Rejection {
    Rejection(
      .contractUnknown,
      "contract \(contractID) of client \(request.clientID) has no quota for type \(request.instanceTypeID) at location "
        + "\(request.locationID); set one with set-quota, or allow overflow",
      details: wanted(request, contractID: contractID))
  }

  static func noCapacity(_ request: AllocateRequest, _ charge: QuotaCharge) -> Rejection {
    Rejection(
      .noCapacity,
      "no server of type \(request.instanceTypeID) is available at location \(request.locationID); "
        + "send it again, as a higher attempt, when one has become available",
      details: details(of: charge.row, for: request.clientID, used: charge.used - 1))
  }

  private static func wanted(_ request: AllocateRequest, contractID: ContractID?) -> [Detail.Field] {
    let key = QuotaKey(
      clientID: request.clientID, contractID: contractID, locationID: request.locationID,
      instanceTypeID: request.instanceTypeID)
    return key.details
  }

  private static func details(of row: QuotaRow, for clientID: ClientID, used: Int) -> [Detail.Field] {
    row.key.details + [
      .init("limit", .integer(Int64(row.limit))), .init("used", .integer(Int64(used))),
      .init("usedBy", .integer(clientID.rawValue)),
    ]
  }
}

extension QuotaKey {
  /// What the row limits, in words.
  package var scope: String {
    if let contractID { return "contract \(contractID), type \(instanceTypeID) at location \(locationID)" }
    return switch (locationID, instanceTypeID) {
    case (.any, _): "all locations (cap)"
    case (_, .any): "location \(locationID) (cap)"
    case (_, _): "type \(instanceTypeID) at location \(locationID)"
    }
  }

  /// The row by the field names of the contract.
  package var details: [Detail.Field] {
    [.init("clientId", .integer(clientID.rawValue))]
      + (contractID.map { [.init("contractId", .text($0.rawValue))] } ?? []) + [
        .init("locationId", .integer(locationID.rawValue)),
        .init("instanceTypeId", .integer(instanceTypeID.rawValue)),
        .init("quotaType", .text(quotaType.rawValue)),
      ]
  }
}
