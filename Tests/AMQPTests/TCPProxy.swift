import AMQP
import Foundation
import Glibc
import Synchronization

/// Stands between a connection and the broker, and can freeze: both sides stay connected and nothing moves any more, as
/// with a stopped broker or a cable that was pulled. One pair of sockets.
final class TCPProxy: Sendable {
  private struct State {
    var isFrozen = false
    var isStopped = false
    var forwardedBytes = 0
  }

  private let state = Mutex(State())
  private let listener: Int32
  let port: Int

  init(to target: BrokerURI) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = Self.loopback(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) | listen(listener, 1) | getsockname(listener, $0, &length)
      }
    }
    guard status == 0 else { throw POSIXError(.EADDRINUSE) }
    port = Int(UInt16(bigEndian: address.sin_port))
    let targetPort = target.port
    Thread { self.run(targetPort) }.start()
  }

  /// The same broker by way of this proxy.
  func uri(_ target: BrokerURI) throws -> BrokerURI {
    try BrokerURI(
      host: target.host, port: port, user: target.user, password: target.password, virtualHost: target.virtualHost,
      usesTLS: target.usesTLS)
  }

  /// In both directions.
  var forwardedBytes: Int { state.withLock { $0.forwardedBytes } }

  func freeze() { state.withLock { $0.isFrozen = true } }
  func thaw() { state.withLock { $0.isFrozen = false } }
  func stop() { state.withLock { $0.isStopped = true } }

  private static func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    address.sin_port = UInt16(port).bigEndian
    return address
  }

  private func run(_ targetPort: Int) {
    defer { close(listener) }
    guard wait(for: [listener]) != nil else { return }
    let client = accept(listener, nil, nil)
    defer { close(client) }
    let broker = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(broker) }
    var address = Self.loopback(port: targetPort)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(broker, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { return }
    while let readable = wait(for: [client, broker]) {
      for source in readable where !forward(source, to: source == client ? broker : client) { return }
    }
  }

  /// Those that can be read; nil when stopped. Waits while frozen.
  private func wait(for descriptors: [Int32]) -> [Int32]? {
    while true {
      let now = state.withLock { $0 }
      if now.isStopped { return nil }
      var requests = descriptors.map { pollfd(fd: now.isFrozen ? -1 : $0, events: Int16(POLLIN), revents: 0) }
      if poll(&requests, nfds_t(requests.count), 20) > 0 {
        return requests.filter { $0.revents != 0 }.map(\.fd)
      }
    }
  }

  private func forward(_ source: Int32, to target: Int32) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(source, &buffer, buffer.count, 0)
    guard count > 0 else { return false }
    var sent = 0
    while sent < count {
      let result = buffer.withUnsafeBytes { send(target, $0.baseAddress! + sent, count - sent, Int32(MSG_NOSIGNAL)) }
      guard result > 0 else { return false }
      sent += result
    }
    state.withLock { $0.forwardedBytes += count }
    return true
  }
}
