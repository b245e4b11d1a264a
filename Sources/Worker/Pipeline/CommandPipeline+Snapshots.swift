import Lifecycle
import Logging
import Store

extension CommandPipeline {
  /// Servers published by one transaction of a snapshot, between two batches of live commands.
  static let snapshotChunk = 300
  /// A snapshot waits while so many events are not yet confirmed: it must not fill the disk ahead of the broker.
  static let snapshotMaxOutbox: Int64 = 20_000

  /// Publishes the next part of the oldest snapshot that was noted.
  func continueSnapshot() async throws {
    let progress = outbox.state.value
    guard progress.newest - progress.confirmed < Self.snapshotMaxOutbox, let fence = activity.value.fence else {
      // Waits for a confirm, or for a moment: live commands must not wait behind the snapshot.
      _ = try await outbox.state.wait(atMost: .milliseconds(20)) { $0.confirmed > progress.confirmed }
      return
    }
    let (newest, hasMore) = try await store.commit(owner: fence) { transaction throws(StoreError) in
      var publisher = SnapshotPublisher(transaction: transaction, now: .now)
      let hasMore = try publisher.publish(atMost: Self.snapshotChunk)
      return (publisher.lastPosition, hasMore)
    }
    if let newest { outbox.committed(through: newest) }
    hasSnapshotRun = hasMore
  }
}
