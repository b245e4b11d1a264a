package import Lifecycle

extension Transaction {
  /// Sets a row's limit, or removes the row (`nil`).
  ///
  /// - Returns: the limit before; `nil` where there was no such row.
  @discardableResult
  package func setQuota(_ key: QuotaKey, limit: Int?) throws(StoreError) -> Int? {
    let previous = try quotaRow(key)?.limit
    guard previous != limit else { return previous }
    if let limit {
      var run = try connection.prepare(Statements.set)
      run.bind(key)
      run.bind(limit)
      try run.finish()
    } else {
      var run = try connection.prepare(Statements.remove)
      run.bind(key)
      try run.finish()
    }
    return previous
  }

  /// Counts an allocation that begins (+1) or ends (−1), against every row that it could be charged to.
  func changeUse(by change: Int, of allocation: Allocation) throws(StoreError) {
    for key in allocation.chargedKeys { try changeUse(by: change, key) }
  }

  private func changeUse(by change: Int, _ key: QuotaKey) throws(StoreError) {
    if change > 0 {
      var run = try connection.prepare(Statements.charge)
      run.bind(key)
      try run.finish()
    } else {
      var run = try connection.prepare(Statements.free)
      run.bind(key)
      try run.finish()
      try connection.expectOneChange("nothing is charged to \(key)")
    }
  }
}

private enum Statements {
  static let set = SQLText(
    """
    INSERT INTO quotas (client_id, contract_id, location_id, instance_type_id, row_limit) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET row_limit = excluded.row_limit
    """)
  static let remove = SQLText(
    "DELETE FROM quotas WHERE client_id = ? AND contract_id = ? AND location_id = ? AND instance_type_id = ?")
  static let charge = SQLText(
    """
    INSERT INTO quota_use (client_id, contract_id, location_id, instance_type_id, used) VALUES (?, ?, ?, ?, 1)
    ON CONFLICT DO UPDATE SET used = used + 1
    """)
  static let free = SQLText(
    """
    UPDATE quota_use SET used = used - 1
    WHERE client_id = ? AND contract_id = ? AND location_id = ? AND instance_type_id = ?
    """)
}
