import Glibc
import Synchronization

/// The one thing about a connection that other threads may touch: the right to shut its socket down.
///
/// `shutdown()` makes every call on the socket return at once, wherever the connection's thread is. `close()` would not
/// do: the number could be somebody else's by then. The lock keeps the descriptor valid while it is used.
final class SocketGuard: Sendable {
  private struct State {
    var descriptor: Int32 = -1
    var shutDownRequested = false
    var isLoggingIn = false
    var sendStarted: MonotonicTime?
  }

  private let state = Mutex(State())

  /// A new attempt to connect: forgets an earlier request.
  func loginBegins() { state.withLock { $0 = State(isLoggingIn: true) } }
  func loginEnded() { state.withLock { $0.isLoggingIn = false } }

  /// Told before the socket is used.
  func attach(_ descriptor: Int32) {
    state.withLock {
      $0.descriptor = descriptor
      if $0.shutDownRequested { shutdown(descriptor, CInt(SHUT_RDWR)) }
    }
  }

  /// Told before the socket is closed.
  func detach() {
    state.withLock {
      $0.descriptor = -1
      $0.sendStarted = nil
    }
  }

  var shutDownRequested: Bool { state.withLock { $0.shutDownRequested } }

  func requestShutDown() {
    state.withLock {
      $0.shutDownRequested = true
      if $0.descriptor >= 0 { shutdown($0.descriptor, CInt(SHUT_RDWR)) }
    }
  }

  /// There is no goodbye to say to a broker that has not let us in.
  func requestEndOfLogin() {
    if state.withLock({ $0.isLoggingIn }) { requestShutDown() }
  }

  /// Around a call that may block in the library (sending over TLS).
  func sendBegins() { state.withLock { $0.sendStarted = .now } }
  func sendEnded() { state.withLock { $0.sendStarted = nil } }

  /// Shuts the socket down if a send has been stuck for that long.
  func shutDownStuckSend(after limit: Duration) {
    state.withLock {
      guard let started = $0.sendStarted, started + limit < .now, $0.descriptor >= 0 else { return }
      shutdown($0.descriptor, CInt(SHUT_RDWR))
    }
  }
}
