import Glibc

/// Encoded frames on their way into a plain socket, so that many go out in one system call and none ever blocks.
final class OutputBuffer {
  private static let usualBytes = 524_288

  private var base: UnsafeMutableRawPointer
  private var capacity = usualBytes
  private var head = 0
  private var tail = 0

  init() { base = .allocate(byteCount: capacity, alignment: 16) }

  deinit { base.deallocate() }

  var count: Int { tail - head }

  /// Empties it, and gives back what one large message has taken.
  func removeAll() {
    head = 0
    tail = 0
    if capacity > 4 * Self.usualBytes {
      base.deallocate()
      capacity = Self.usualBytes
      base = .allocate(byteCount: capacity, alignment: 16)
    }
  }

  /// Room for that many bytes at the end, to be written and then `commit`ted.
  func reserve(_ bytes: Int) -> UnsafeMutableRawPointer {
    if tail + bytes > capacity {
      if head > 0 {
        memmove(base, base + head, count)
        tail -= head
        head = 0
      }
      if tail + bytes > capacity {
        capacity = max(capacity * 2, tail + bytes)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        memcpy(grown, base, tail)
        base.deallocate()
        base = grown
      }
    }
    return base + tail
  }

  func commit(_ bytes: Int) { tail += bytes }

  /// Writes as much as the socket takes now.
  /// - Returns: the errno of a failure, 0 for none, also when the socket is full.
  func flush(to descriptor: Int32) -> Int32 {
    while head < tail {
      let sent = send(descriptor, base + head, count, CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT))
      if sent > 0 {
        head += sent
        continue
      }
      let error = errno
      if sent < 0 && error == EINTR { continue }
      return sent < 0 && error != EAGAIN && error != EWOULDBLOCK ? error : 0
    }
    removeAll()
    return 0
  }
}
