import Lifecycle
import Logging
import Store

extension CommandPipeline {
  /// Publishes the next part of the oldest snapshot that was noted.
  func continueSnapshot() async throws {
    let progress = outbox.state.value
    guard progress.newest - progress.confirmed < bounds.snapshotMaxOutbox, let fence = activity.value.fence else {
      // Waits for a confirm, or for a moment: live commands must not wait behind the snapshot.
      _ = try await outbox.state.wait(atMost: .milliseconds(20), by: clock) { $0.confirmed > progress.confirmed }
      return
    }
    // Beside a long snapshot there may be no batch to take the mark along.
    let confirmed = progress.pending
    let (events, hasMore) = try await store.commit(owner: fence) {
      [now = clock.now, bounds] transaction throws(StoreError) in
      if let confirmed { _ = try transaction.deleteOutbox(through: confirmed) }
      var publisher = SnapshotPublisher(transaction: transaction, now: now)
      let hasMore = try publisher.publish(atMost: bounds.snapshotChunk)
      return (publisher.events, hasMore)
    }
    KillPoint.snapshotPart.reach()
    if let confirmed { outbox.marked(through: confirmed) }
    outbox.committed(events)
    hasSnapshotRun = hasMore
  }
}
