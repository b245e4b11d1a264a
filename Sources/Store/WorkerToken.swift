internal import Lifecycle

/// The right to commit for the worker, until another one takes over.
///
/// The broker's lock is no fence: a worker that was frozen may wake up after it has lost it. So the store checks in
/// every transaction that the token is still the one it knows.
package struct WorkerToken: Hashable, Sendable {
  let owner: UUID128
}

/// What a worker finds when it takes the store over.
package struct TakeOver: Hashable, Sendable {
  package let token: WorkerToken
  /// As the last worker left it.
  package let meta: StoreMeta
}
