package import Lifecycle
package import Store

/// The store as the worker uses it: ``Store``, or what a simulation puts around one.
package protocol WorkerStore: Sendable {
  var identity: StoreIdentity { get }

  /// Whether the file that is open is still the one at its path.
  func isInPlace() throws(StoreError) -> Bool

  func takeOver(as owner: UUID128) async throws(StoreError) -> TakeOver

  @discardableResult
  func commit<Result: Sendable>(
    owner: WorkerToken?, _ body: @escaping @Sendable (Transaction) throws(StoreError) -> Result
  ) async throws(StoreError) -> Result

  func read<Result: Sendable>(
    _ body: @escaping @Sendable (Snapshot) throws(StoreError) -> Result
  ) async throws(StoreError) -> Result
}

extension Store: WorkerStore {}
