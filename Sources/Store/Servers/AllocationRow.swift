internal import Lifecycle

/// The columns of an allocation, in the order in which they are read and written.
enum AllocationRow {
  static let columns = """
    server_id, id, client_id, contract_id, quota_type, location_id, instance_type_id, started_at, ended_at, ended_by
    """

  static func read(_ run: borrowing StatementRun, on connection: Connection) throws(StoreError) -> Allocation {
    var end: AllocationEnd?
    if let moment = run.optionalMoment(8) { end = AllocationEnd(at: moment, by: try run.name(9)) }
    var contract: ContractID?
    if let text = run.optionalText(3) {
      contract = ContractID(text)
      guard contract != nil else { throw connection.damaged("“\(text)” is no contract") }
    }
    return Allocation(
      id: try run.uuid(1), serverID: ServerID(run.integer(0)), clientID: ClientID(run.integer(2)),
      contractID: contract, quotaType: try run.name(4), locationID: LocationID(run.integer(5)),
      instanceTypeID: InstanceTypeID(run.integer(6)), startedAt: run.moment(7), end: end)
  }
}
