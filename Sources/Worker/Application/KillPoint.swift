import Foundation

/// Places where a test can have the process end as by a power cut. Inert unless `OSTLER_TEST_KILL_POINT` names one,
/// as `name` or `name:N` for the N-th time it is reached.
package enum KillPoint: String, CaseIterable, Sendable {
  // One batch, in this order.
  case beforeCommit = "before-commit"
  /// Everything is decided and written, and the transaction is open.
  case inTransaction = "in-transaction"
  case afterCommit = "after-commit"
  case beforeAck = "before-ack"
  case afterAck = "after-ack"
  /// In the transaction, a message from the broker's dead letters was kept.
  case takingIn = "taking-in"
  /// A message that came again is noted in the store, and not yet decoded.
  case suspectNoted = "suspect-noted"
  // The relay.
  /// Events are written to the broker, and none of them is confirmed yet.
  case inWindow = "in-window"
  /// An event is confirmed, and nothing knows that yet.
  case afterPublish = "after-publish"
  case beforeMark = "before-mark"
  case afterMark = "after-mark"
  // Replays.
  case replayAsked = "replay-asked"
  /// The broker has confirmed replays, and the store does not know.
  case replayPublished = "replay-published"
  case replayMarked = "replay-marked"
  /// A part of a snapshot is in the outbox.
  case snapshotPart = "snapshot-part"
  // Beginning and end.
  case takingOver = "taking-over"
  case tookOver = "took-over"
  case stopping
  /// Every event is out, and the clean end is not noted.
  case drained
  case endedCleanly = "ended-cleanly"

  package static let variable = "OSTLER_TEST_KILL_POINT"

  /// Ends the process with SIGKILL when this is the place, and the time, that was asked for.
  package func reach() { Self.reach(named: rawValue) }

  static func reach(named name: String) {
    guard let armed, armed.name == name, armed.countdown.reachedZero() else { return }
    kill(getpid(), SIGKILL)
  }

  /// Names a message-id: the process ends whenever it is about to decode a message that has it.
  package static let poisonVariable = "OSTLER_TEST_POISON"

  package static func reach(message id: String?) {
    guard let poison, id == poison else { return }
    kill(getpid(), SIGKILL)
  }

  private static let poison = ProcessInfo.processInfo.environment[poisonVariable]

  private static let armed: Armed? = {
    guard let text = ProcessInfo.processInfo.environment[variable] else { return nil }
    let parts = text.split(separator: ":")
    guard let name = parts.first else { return nil }
    return Armed(name: String(name), countdown: Countdown(parts.count > 1 ? Int(parts[1]) ?? 1 : 1))
  }()

  private struct Armed: Sendable {
    let name: String
    let countdown: Countdown
  }
}
