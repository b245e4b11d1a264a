package import Lifecycle

extension Snapshot {
  /// The rows that could apply to the request, and the use of each (contract section 5): the client's own row, or
  /// else client 0's, for the location and type, for the location, and for the client.
  package func quotaSituation(for request: AllocateRequest) throws(StoreError) -> QuotaSituation {
    var run = try connection.prepare(Statements.situation)
    run.bind(request.clientID)
    run.bind(request.contractID?.rawValue)
    run.bind(request.locationID)
    run.bind(request.instanceTypeID)
    guard try run.step() else { return QuotaSituation() }
    return QuotaSituation(
      commit: request.contractID.flatMap { contract in
        run.optionalInteger(0).map { limit in
          QuotaRow(
            key: QuotaKey(
              clientID: request.clientID, contractID: contract, locationID: request.locationID,
              instanceTypeID: request.instanceTypeID), limit: Int(limit))
        }
      },
      commitUse: Int(run.integer(1)),
      onDemand: row(
        own: run.optionalInteger(2), fallback: run.optionalInteger(3), of: request.clientID,
        at: request.locationID, type: request.instanceTypeID),
      onDemandUse: Int(run.integer(4)),
      locationCap: row(
        own: run.optionalInteger(5), fallback: run.optionalInteger(6), of: request.clientID,
        at: request.locationID, type: .any),
      locationUse: Int(run.integer(7)),
      clientCap: row(
        own: run.optionalInteger(8), fallback: run.optionalInteger(9), of: request.clientID, at: .any, type: .any),
      clientUse: Int(run.integer(10)))
  }

  private func row(
    own: Int64?, fallback: Int64?, of client: ClientID, at location: LocationID, type: InstanceTypeID
  ) -> QuotaRow? {
    if let own {
      return QuotaRow(
        key: QuotaKey(clientID: client, locationID: location, instanceTypeID: type), limit: Int(own))
    }
    return fallback.map {
      QuotaRow(key: QuotaKey(clientID: .nobody, locationID: location, instanceTypeID: type), limit: Int($0))
    }
  }

  /// That very row, if it exists.
  package func quotaRow(_ key: QuotaKey) throws(StoreError) -> QuotaRow? {
    var run = try connection.prepare(Statements.row)
    run.bind(key)
    return try run.step() ? QuotaRow(key: key, limit: Int(run.integer(0))) : nil
  }

  /// Live allocations that count against a row of that key, whether it exists or not. None for client 0, whose rows
  /// apply to each client separately.
  package func use(of key: QuotaKey) throws(StoreError) -> Int {
    var run = try connection.prepare(Statements.use)
    run.bind(key)
    return try run.step() ? Int(run.integer(0)) : 0
  }

  /// Up to `limit` rows after `previous`, ordered by client, contract, location, type, each with its use.
  package func quotas(
    of client: ClientID? = nil, after previous: QuotaKey? = nil, limit: Int
  ) throws(StoreError) -> [QuotaListing] {
    var run = try connection.prepare(Statements.list)
    run.bind(previous?.clientID.rawValue ?? -1)
    run.bind(previous?.contractID?.rawValue ?? "")
    run.bind(previous?.locationID.rawValue ?? 0)
    run.bind(previous?.instanceTypeID.rawValue ?? 0)
    run.bind(client)
    run.bind(limit)
    var listings: [QuotaListing] = []
    while try run.step() {
      let contract = run.text(1)
      let key = QuotaKey(
        clientID: ClientID(run.integer(0)), contractID: ContractID(contract), locationID: LocationID(run.integer(2)),
        instanceTypeID: InstanceTypeID(run.integer(3)))
      guard contract.isEmpty || key.isCommit else { throw connection.damaged("“\(contract)” is no contract") }
      listings.append(
        QuotaListing(
          row: QuotaRow(key: key, limit: Int(run.integer(4))),
          used: key.clientID == .nobody ? nil : Int(run.integer(5))))
    }
    return listings
  }
}

/// A quota row with the live allocations that count against it.
package struct QuotaListing: Hashable, Sendable {
  package let row: QuotaRow
  /// `nil` for the rows of client 0, which apply to each client separately.
  package let used: Int?
}

extension StatementRun {
  mutating func bind(_ key: QuotaKey) {
    bind(key.clientID)
    bind(key.contractID?.rawValue ?? "")
    bind(key.locationID)
    bind(key.instanceTypeID)
  }
}

private enum Statements {
  private static let ofKey = "client_id = ? AND contract_id = ? AND location_id = ? AND instance_type_id = ?"
  static let row = SQLText("SELECT row_limit FROM quotas WHERE \(ofKey)")
  static let use = SQLText("SELECT used FROM quota_use WHERE \(ofKey)")

  /// A row's limit or use, `NULL` where there is none.
  private static func find(
    _ column: String, in table: String, client: String, contract: String, location: String, type: String
  ) -> String {
    """
    (SELECT \(column) FROM \(table) WHERE client_id = \(client) AND contract_id = \(contract)
      AND location_id = \(location) AND instance_type_id = \(type))
    """
  }

  private static func onDemand(location: String, type: String) -> String {
    let own = find("row_limit", in: "quotas", client: "?1", contract: "''", location: location, type: type)
    let fallback = find("row_limit", in: "quotas", client: "0", contract: "''", location: location, type: type)
    let use = find("used", in: "quota_use", client: "?1", contract: "''", location: location, type: type)
    return "\(own), \(fallback), \(use)"
  }

  static let situation = SQLText(
    """
    SELECT \(find("row_limit", in: "quotas", client: "?1", contract: "?2", location: "?3", type: "?4")),
      \(find("used", in: "quota_use", client: "?1", contract: "?2", location: "?3", type: "?4")),
      \(onDemand(location: "?3", type: "?4")),
      \(onDemand(location: "?3", type: "0")),
      \(onDemand(location: "0", type: "0"))
    """)

  static let list = SQLText(
    """
    SELECT client_id, contract_id, location_id, instance_type_id, row_limit, used
    FROM quotas LEFT JOIN quota_use USING (client_id, contract_id, location_id, instance_type_id)
    WHERE (client_id, contract_id, location_id, instance_type_id) > (?1, ?2, ?3, ?4)
      AND (?5 IS NULL OR client_id = ?5)
    ORDER BY client_id, contract_id, location_id, instance_type_id LIMIT ?6
    """)
}
