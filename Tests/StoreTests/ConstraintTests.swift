import Lifecycle
import Store
import Testing

/// What must hold whoever writes: each statement here, run by somebody else's connection, is refused.
@Suite struct ConstraintTests {
  static let impossible = [
    // What belongs to a state is there, and nothing else.
    "UPDATE servers SET state = 'available' WHERE id = 1",
    "UPDATE servers SET available_position = 1 WHERE id = 1",
    "UPDATE servers SET state = 'backToBaseline' WHERE id = 1",
    "UPDATE servers SET baseline_id = zeroblob(16) WHERE id = 1",
    "UPDATE servers SET state = 'isolated' WHERE id = 1",
    "UPDATE servers SET sub_state = 'reserved' WHERE id = 1",
    "UPDATE servers SET sub_state = 'bored', state = 'isolated' WHERE id = 1",
    "UPDATE servers SET isolation_reason = 'why' WHERE id = 1",
    "UPDATE servers SET state = 'asleep' WHERE id = 1",
    "UPDATE servers SET previous_state = 'asleep' WHERE id = 1",
    "UPDATE servers SET state = 'quarantined' WHERE id = 1",
    "UPDATE servers SET state = 'quarantined', held_state = 'new' WHERE id = 1",
    // A quarantine without a hold, an allocated server without an allocation.
    "UPDATE servers SET state = 'quarantined', held_state = 'new', first_hold = 0 WHERE id = 1",
    "UPDATE servers SET state = 'allocated' WHERE id = 1",
    "UPDATE servers SET state = 'allocated', live_allocation = 1 WHERE id = 1",
    "UPDATE allocations SET ended_at = 1, ended_by = 'deallocate' WHERE server_id = 2",
    "DELETE FROM allocations WHERE server_id = 2",
    "DELETE FROM holds WHERE server_id = 3",
    // An end has a cause; a second allocation does not begin; a commit has a contract.
    "UPDATE allocations SET ended_at = 1 WHERE server_id = 2",
    "UPDATE allocations SET ended_by = 'deallocate' WHERE server_id = 2",
    "UPDATE allocations SET quota_type = 'commit' WHERE server_id = 2",
    "UPDATE allocations SET contract_id = '' WHERE server_id = 2",
    """
    INSERT INTO allocations (server_id, began_version, id, client_id, quota_type, location_id, instance_type_id,
      started_at) VALUES (2, 9, zeroblob(16), 7, 'onDemand', 1, 1, 0)
    """,
    """
    INSERT INTO allocations (server_id, began_version, id, client_id, quota_type, location_id, instance_type_id,
      started_at) VALUES (99, 1, zeroblob(16), 7, 'onDemand', 1, 1, 0)
    """,
    "INSERT INTO holds (server_id, ordinal, case_id) VALUES (3, 1, 'A')",
    "INSERT INTO holds (server_id, ordinal, case_id) VALUES (99, 0, 'A')",
    // Numbers out of range.
    "UPDATE servers SET version = 0 WHERE id = 1",
    "UPDATE servers SET enrolled_version = 2 WHERE id = 1",
    "UPDATE servers SET location_id = 0 WHERE id = 1",
    "UPDATE servers SET history_position = 4711 WHERE id = 1",
    "UPDATE servers SET version = 'two' WHERE id = 1",
    "INSERT INTO quotas VALUES (0, 'C', 1, 1, 5)",
    "INSERT INTO quotas VALUES (1, 'C', 0, 0, 5)",
    "INSERT INTO quotas VALUES (1, '', 0, 1, 5)",
    "INSERT INTO quotas VALUES (1, '', 1, 1, 32768)",
    "INSERT INTO quotas VALUES (1, '', 1, 1, -1)",
    "UPDATE quota_use SET used = -1",
    "INSERT INTO quota_use VALUES (0, '', 1, 1, 5)",
    "UPDATE history SET event = NULL WHERE position = 1",
    "UPDATE history SET code = 'no-capacity' WHERE position = 1",
    "UPDATE history SET data = NULL WHERE position = 1",
    "UPDATE history SET previous_position = 3 WHERE position = 3",
    "INSERT INTO meta SELECT 2, store_id, epoch, last_position, outbox_count, worker, 1 FROM meta",
    "UPDATE meta SET outbox_count = -1",
    "UPDATE meta SET store_id = x'00'",
    "UPDATE operations SET attempt = 1001",
    "UPDATE operations SET outcome = 'lost'",
    "UPDATE operations SET fingerprint = x'00'",
    "UPDATE dead_letters SET state = 'lost'",
    "UPDATE dead_letters SET body_sha256 = x'00'",
    "UPDATE dead_letters SET body_size = 0",
    "INSERT INTO operation_index VALUES (1, x'0102030405')",
    "UPDATE snapshot_runs SET scope_id = 1",
  ]

  @Test("impossible rows are refused", arguments: impossible)
  func refused(sql: String) async throws {
    try await withStore { store, directory in
      try await store.commit(owner: nil) { (transaction) throws(StoreError) in
        try transaction.apply(newServer(1), .enrolled)
        let running = allocation(1, of: newServer(2))
        try transaction.apply(newServer(2, state: .allocated(running)), .enrolled, .began(running))
        let quarantine = Quarantine(holds: [Hold(caseID: "A")], held: .new)
        try transaction.apply(newServer(3, state: .quarantined(quarantine)), .enrolled)
        try transaction.record(record(key(1)))
        try transaction.keep(letter(1), ofKey: key(1))
        try transaction.note(SnapshotRequest(scope: .all, notedAt: t0))
      }
      let raw = try RawDatabase(at: directory.storePath)
      let before = try raw.text("PRAGMA data_version")
      let error = #expect(throws: RawDatabase.Failure.self) {
        try raw.run("BEGIN IMMEDIATE; \(sql); COMMIT")
      }
      #expect(error?.code == 19, "constraint, not a misspelt statement: \(error?.message ?? "")")
      try raw.run("ROLLBACK")
      #expect(try raw.text("PRAGMA data_version") == before)
    }
  }
}
