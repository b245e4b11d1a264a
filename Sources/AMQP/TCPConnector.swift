import Glibc

/// Opens a TCP connection within a deadline.
///
/// librabbitmq could do it, but tells nobody the descriptor while it waits, so that nothing could end the waiting (over
/// TLS it has to be that way), nor why it failed.
struct TCPConnector {
  let socket: SocketGuard
  let deadline: MonotonicTime

  /// Tries the host's addresses in turn.
  /// - Returns: a connected, non-blocking descriptor, which the guard knows.
  func connect(host: String, port: Int) throws(AMQPError) -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_protocol = Int32(IPPROTO_TCP)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &list)
    guard status == 0 else {
      throw AMQPError(
        .connectFailed, "the host name cannot be resolved", cause: String(cString: gai_strerror(status)),
        scope: .connection)
    }
    defer { freeaddrinfo(list) }
    var failure = ENOENT
    var next = list
    while let address = next?.pointee {
      do throws(SystemError) {
        return try connect(address)
      } catch {
        failure = error.number
        if socket.shutDownRequested || failure == ETIMEDOUT { break }
      }
      next = address.ai_next
    }
    let message = failure == ETIMEDOUT ? "nothing answered in time" : "could not connect"
    throw AMQPError(.connectFailed, message, cause: String(cString: strerror(failure)), scope: .connection)
  }

  private struct SystemError: Error {
    let number: Int32
  }

  private func connect(_ address: addrinfo) throws(SystemError) -> Int32 {
    let kind = address.ai_socktype | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = Glibc.socket(address.ai_family, kind, address.ai_protocol)
    guard descriptor >= 0 else { throw SystemError(number: errno) }
    var isConnected = false
    defer {
      if !isConnected {
        socket.detach()
        close(descriptor)
      }
    }
    var on: Int32 = 1
    let length = socklen_t(MemoryLayout<Int32>.size)
    // We put frames together ourselves.
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, length)
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, length)
    if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) != 0 {
      guard errno == EINPROGRESS else { throw SystemError(number: errno) }
      // From here on a shutdown from outside ends the wait.
      socket.attach(descriptor)
      try wait(for: descriptor)
    } else {
      socket.attach(descriptor)
    }
    isConnected = true
    return descriptor
  }

  private func wait(for descriptor: Int32) throws(SystemError) {
    while true {
      if socket.shutDownRequested { throw SystemError(number: ECANCELED) }
      let now = MonotonicTime.now
      guard now < deadline else { throw SystemError(number: ETIMEDOUT) }
      var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      guard poll(&request, 1, deadline.milliseconds(after: now)) > 0 else { continue }
      var error: Int32 = 0
      var length = socklen_t(MemoryLayout<Int32>.size)
      getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
      guard error == 0 else { throw SystemError(number: error) }
      if socket.shutDownRequested { throw SystemError(number: ECANCELED) }
      return
    }
  }
}
