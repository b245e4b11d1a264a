import Foundation
import Synchronization

/// Ctrl-C, for work that is to stop between two steps instead of in the middle of one.
enum Interruption {
  private static let requested = Atomic<Bool>(false)

  /// From now on the first SIGINT or SIGTERM is noted, and a second one ends the process at once.
  static func catchSignals() {
    requested.store(false, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if Interruption.requested.exchange(true, ordering: .relaxed) { _exit(128 + number) }
      }
    }
  }

  static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Waits, but not on after a signal.
  static func wait(_ duration: Duration) async {
    let deadline = ContinuousClock.now + duration
    while !isRequested {
      let rest = deadline - .now
      guard rest > .zero else { return }
      try? await Task.sleep(for: min(rest, .milliseconds(50)))
    }
  }
}
