import Store
import Worker

extension StoreAccess {
  /// Opens the store that is there to write to it, beside a worker or without one, and closes it.
  ///
  /// - Throws: `CommandFailure` with status 69, or 70 for a defect; `SettingsError`.
  static func write(_ common: CommonOptions, _ body: (Store, Settings) async throws -> Void) async throws {
    let settings = try common.settings()
    do {
      let store = try Store.openForOperator(at: settings.store.path)
      try await body(store, settings)
      await store.close()
    } catch let error as StoreError {
      throw failure(error)
    }
  }
}

extension Store {
  /// Whether a worker has the store now, or had it when it crashed.
  func hasWorker() async throws(StoreError) -> Bool {
    try await read { (snapshot) throws(StoreError) in try !snapshot.meta().workerEndedCleanly }
  }
}
