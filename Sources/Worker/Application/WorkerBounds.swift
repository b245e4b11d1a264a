/// What may be under way at once, where no setting says it (contract section 11).
package struct WorkerBounds: Hashable, Sendable {
  /// Events published and not yet confirmed: enough to hide the broker's fsync, little enough to publish again.
  package var eventsInFlight = 4000
  /// Servers published by one transaction of a snapshot, between two batches of live commands.
  package var snapshotChunk = 300
  /// A snapshot waits while so many events are not yet confirmed: it must not fill the disk ahead of the broker.
  package var snapshotMaxOutbox = 20_000

  package init() {}
}
