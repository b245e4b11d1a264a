import Store
import Worker

/// The store, for looking only: also while a worker runs.
enum StoreAccess {
  /// Opens the store, hands it over, closes it, and says in words for the command line what went wrong.
  ///
  /// - Throws: `CommandFailure` with status 69, or 70 for a defect; `SettingsError`.
  static func read(_ common: CommonOptions, _ body: (Store) async throws -> Void) async throws {
    let settings = try common.settings()
    do {
      let store = try Store.openForReading(at: settings.store.path)
      try await body(store)
      await store.close()
    } catch let error as StoreError {
      throw failure(error)
    }
  }

  static func failure(_ error: StoreError) -> CommandFailure {
    let cause = error.cause.map { " (\(PlainText.clean(String(describing: $0))))" } ?? ""
    return CommandFailure(error.code == .defect ? .defect : .unavailable, "store: \(error.message)\(cause)")
  }
}
