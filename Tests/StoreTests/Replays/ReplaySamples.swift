import Lifecycle
import Store

/// A letter whose whole body is there, so that it can be replayed.
func whole(_ number: UInt64, state: DeadLetterState = .open) -> DeadLetter {
  var whole = letter(number, state: state)
  whole.bodySize = whole.body.count
  return whole
}

extension Snapshot {
  /// An attempt that must be there.
  func attempt(_ attempt: Int, of number: UInt64) throws(StoreError) -> Replay {
    guard let replay = try replay(of: id(number), attempt: attempt) else {
      throw StoreError(.defect, "letter \(number) has no attempt \(attempt)")
    }
    return replay
  }
}
