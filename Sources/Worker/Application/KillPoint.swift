import Foundation

/// Places where a test can have the process end as by a power cut. Inert unless `OSTLER_TEST_KILL_POINT` names one,
/// as `name` or `name:N` for the N-th time it is reached.
package enum KillPoint: String, CaseIterable, Sendable {
  case beforeCommit = "before-commit"
  case afterCommit = "after-commit"
  case afterPublish = "after-publish"

  package static let variable = "OSTLER_TEST_KILL_POINT"

  /// Ends the process with SIGKILL when this is the place, and the time, that was asked for.
  package func reach() {
    guard let armed = Self.armed, armed.point == self, armed.countdown.reachedZero() else { return }
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
    guard let name = parts.first, let point = KillPoint(rawValue: String(name)) else { return nil }
    return Armed(point: point, countdown: Countdown(parts.count > 1 ? Int(parts[1]) ?? 1 : 1))
  }()

  private struct Armed: Sendable {
    let point: KillPoint
    let countdown: Countdown
  }
}
