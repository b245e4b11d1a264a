import Synchronization

/// Something that happens once and that one task waits for.
final class Signal: Sendable {
  private enum State {
    case pending
    case waiting(CheckedContinuation<Void, Never>)
    case sent
  }

  private let state = Mutex(State.pending)

  /// Later calls do nothing.
  func send() {
    let waiter: CheckedContinuation<Void, Never>? = state.withLock { state in
      defer { state = .sent }
      switch state {
      case .waiting(let continuation): return continuation
      case .pending, .sent: return nil
      }
    }
    waiter?.resume()
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isSent = state.withLock {
        if case .sent = $0 { return true }
        $0 = .waiting(continuation)
        return false
      }
      if isSent { continuation.resume() }
    }
  }
}
