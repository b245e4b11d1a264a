package import Lifecycle

extension Snapshot {
  /// Every attempt of that operation that was decided, in the order in which they were.
  package func attempts(of key: OperationKey) throws(StoreError) -> [OperationRecord] {
    let bytes = key.bytes
    var records: [OperationRecord] = []
    for id in try operations.ids(of: operations.hash(bytes), on: connection) {
      var run = try connection.prepare(Statements.attempt)
      run.bind(id)
      run.bind(bytes)
      guard try run.step() else { continue }
      let fingerprint = try run.uuid(1)
      records.append(
        OperationRecord(
          key: key, attempt: Int(run.integer(0)),
          fingerprint: Fingerprint(high: fingerprint.high, low: fingerprint.low), outcome: try run.name(2),
          decidedAt: run.moment(3), serverID: run.optionalInteger(4).map(ServerID.init),
          serverVersion: run.optionalInteger(5), eventPosition: run.optionalInteger(6),
          deadLetterID: run.optionalUUID(7), reply: run.optionalBytes(8)))
    }
    return records
  }
}

private enum Statements {
  static let attempt = SQLText(
    """
    SELECT attempt, fingerprint, outcome, decided_at, server_id, server_version, event_position, dead_letter_id, reply
    FROM operations WHERE id = ? AND key = ?
    """)
}
