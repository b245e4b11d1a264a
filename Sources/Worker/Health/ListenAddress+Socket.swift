import FlyingSocks
import Foundation

extension ListenAddress {
  /// The address to bind: IPv4 or IPv6, a literal or the first that the name has.
  ///
  /// Blocks while the name is looked up, which for the names of one's own machine is a look into `/etc/hosts`.
  func resolved() throws -> any SocketAddress {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &found)
    guard status == 0, let found, let address = found.pointee.ai_addr else {
      throw UnknownHost(host: host, cause: String(cString: gai_strerror(status)))
    }
    defer { freeaddrinfo(found) }
    let raw = UnsafeRawPointer(address)
    return found.pointee.ai_family == AF_INET6
      ? raw.loadUnaligned(as: sockaddr_in6.self) : raw.loadUnaligned(as: sockaddr_in.self)
  }

  struct UnknownHost: Error, CustomStringConvertible {
    let host: String
    let cause: String
    var description: String { "no address is known for \(host): \(cause)" }
  }
}
