package import Lifecycle

/// A `snapshot` that was asked for and is not yet all published.
package struct SnapshotRun: Hashable, Sendable {
  package let id: Int64
  package let request: SnapshotRequest
  /// The last server that was published; `nil` before the first.
  package let cursor: ServerID?
  package let published: Int
}

/// Who asked for which states.
package struct SnapshotRequest: Hashable, Sendable {
  package let scope: SnapshotScope
  package let operation: String?
  package let actor: String?
  package let replayedBy: String?
  package let traceparent: String?
  package let notedAt: Timestamp

  package init(
    scope: SnapshotScope, operation: String? = nil, actor: String? = nil, replayedBy: String? = nil,
    traceparent: String? = nil, notedAt: Timestamp
  ) {
    self.scope = scope
    self.operation = operation
    self.actor = actor
    self.replayedBy = replayedBy
    self.traceparent = traceparent
    self.notedAt = notedAt
  }
}
