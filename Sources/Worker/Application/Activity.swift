package import Store

/// Whether this worker is the one: it holds the lock at the broker and the fence in the store.
package enum Activity: Sendable {
  case standby
  /// Each turn at being active has its own number, so that whoever kept state from an earlier one drops it.
  case active(WorkerToken, turn: Int)

  package var fence: WorkerToken? {
    switch self {
    case .standby: nil
    case .active(let fence, _): fence
    }
  }

  package var turn: Int? {
    switch self {
    case .standby: nil
    case .active(_, let turn): turn
    }
  }
}
