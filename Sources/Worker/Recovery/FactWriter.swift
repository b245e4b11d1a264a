import Lifecycle
import Store

/// Tells the restored store, a good many at a time, what the events after its backup said.
struct FactWriter {
  private let store: Store
  /// `false`: the backup is trusted, and the store is not told.
  private let isWanted: Bool
  private let now: Timestamp
  private let chunk: Int
  private var pending: [LostStory.Fact] = []
  /// How many operations were remembered, and letters closed.
  private(set) var operations = 0
  private(set) var resolved = 0

  init(store: Store, isWanted: Bool, now: Timestamp, chunk: Int) {
    self.store = store
    self.isWanted = isWanted
    self.now = now
    self.chunk = chunk
  }

  mutating func take(_ facts: [LostStory.Fact]) async throws(StoreError) {
    guard isWanted else { return }
    pending += facts
    if pending.count >= chunk { try await flush() }
  }

  mutating func flush() async throws(StoreError) {
    guard !pending.isEmpty else { return }
    let (facts, now) = (pending, now)
    pending = []
    let done = try await store.commit(owner: nil) { transaction throws(StoreError) in
      var (operations, resolved) = (0, 0)
      for fact in facts {
        switch fact {
        case .operation(let operation):
          // What the backup has decided itself it also answers itself.
          try transaction.remember(operation)
          operations += 1
        case .letterReplayed(let letter):
          if try transaction.resolveReplayed(letter, at: now) { resolved += 1 }
        }
      }
      return (operations, resolved)
    }
    operations += done.0
    resolved += done.1
  }
}
