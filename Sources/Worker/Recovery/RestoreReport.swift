package import Lifecycle
package import Store

/// What a restore found and did, or, in a dry run, would do.
package struct RestoreReport: Sendable {
  /// What is in the place of the store now.
  package enum Present: Hashable, Sendable {
    case missing
    /// The store that the backup is of. Events that it had not published are among those that happened since.
    case same(epoch: Int64, position: Int64, unpublished: Int)
    case another(storeID: UUID128, epoch: Int64, position: Int64)
    /// It cannot be read, and why: what it had committed and not published is not known.
    case unreadable(String)
  }

  /// What was learnt from the events log.
  package enum Log: Hashable, Sendable {
    /// It was not asked: `--no-log`.
    case notRead
    /// - Parameter foreign: messages that are no events of this store.
    case read(messages: Int, foreign: Int)
  }

  package struct Server: Sendable {
    package let lost: LostServer
    /// As the backup has it; `nil`: it does not know it.
    package let before: Lifecycle.Server?
    /// How it was withdrawn; `nil`: it was left.
    package let command: CommandName?
    /// As the restored store has it.
    package let after: Lifecycle.Server?
  }

  package struct Quota: Sendable {
    package let lost: LostQuota
    /// In the restored store; `nil`: there is no such row.
    package let limit: Int?
  }

  package let file: String
  package let backup: StoreCopyFacts
  package let present: Present
  package let log: Log
  package let newEpoch: Int64
  /// Events after the backup, and the latest of them.
  package let eventCount: Int
  package let latest: LogPlace?
  package let latestAt: Timestamp?
  package let gaps: [LostStory.Gap]
  package let gapCount: Int
  /// Those whose later changes are lost, in ascending order.
  package let servers: [Server]
  /// Rows that are not as they were at the last.
  package let quotas: [Quota]
  /// Gone with the store, the oldest first.
  package let letters: [LostLetter]
  package let moreLetters: Int
  /// Operations that are remembered, so that a copy of their command is not applied again.
  package let operationCount: Int
  /// Letters of the backup that were replayed after it, and are closed now.
  package let resolvedLetters: Int
  /// Replays that were under way in the backup, and were given up.
  package let givenUpReplays: Int
  /// Whether all states are published when the worker starts: subscribers may know of others.
  package let notesSnapshot: Bool
}
