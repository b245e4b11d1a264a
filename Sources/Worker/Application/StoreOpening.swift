import Logging
import Store

/// Opens the store, waiting `startup.patience` for a disk or a lock that is in trouble.
struct StoreOpening {
  let settings: Settings
  let logger: Logger

  func open() async throws(WorkerError) -> Store {
    let clock = ContinuousClock()
    let deadline = clock.now + settings.startup.patience
    while true {
      do throws(StoreError) {
        let store = try Store.open(at: settings.store.path)
        let identity = store.identity
        logger.log(
          .info, "store opened",
          [.path: settings.store.path, .storeID: identity.storeID, .epoch: identity.epoch])
        return store
      } catch {
        guard error.isTrouble else {
          throw WorkerError(.refusedToStart, "the store \(settings.store.path) cannot be used", cause: error)
        }
        guard clock.now < deadline else {
          throw WorkerError(
            .unavailable,
            "the store could not be opened within startup.patience (\(DurationText.write(settings.startup.patience)))",
            cause: error)
        }
        logger.log(.warning, "the store cannot be opened yet; trying again", [.error: error])
        try? await Task.sleep(for: .milliseconds(500))
      }
    }
  }
}
