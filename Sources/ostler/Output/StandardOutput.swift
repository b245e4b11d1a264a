import Foundation

/// The standard output, buffered. When its reader has gone (`| head`) the process ends quietly.
struct StandardOutput: ~Copyable {
  private var buffer: [UInt8] = []
  private static let flushBytes = 32_768

  static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

  deinit { Self.write(buffer) }

  mutating func line(_ text: String) { line(utf8: text.utf8) }

  /// Writes a line that is UTF-8 already, such as a JSON object.
  mutating func line(utf8 bytes: some Sequence<UInt8>) {
    buffer += bytes
    buffer.append(UInt8(ascii: "\n"))
    if buffer.count >= Self.flushBytes { flush() }
  }

  /// Writes bytes as they are, without a line end.
  mutating func bytes(_ bytes: some Sequence<UInt8>) {
    buffer += bytes
    if buffer.count >= Self.flushBytes { flush() }
  }

  mutating func flush() {
    Self.write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  private static func write(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EPIPE {
        exit(ExitStatus.done.rawValue)
      } else if errno == EAGAIN {
        var waiting = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        poll(&waiting, 1, -1)
      } else if errno != EINTR {
        Complaint.print("cannot write the output: \(String(cString: strerror(errno)))")
        exit(ExitStatus.refused.rawValue)
      }
    }
  }
}

/// What is said on the standard error.
enum Complaint {
  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb" }

  /// Takes a half-drawn progress line away, so that what follows stands on a line of its own.
  static var clearLine: String { isTerminal ? "\r\u{1B}[K" : "" }

  /// Prints `ostler: message`.
  static func print(_ message: String) {
    guard !message.isEmpty else { return }
    write("\(clearLine)ostler: \(message)\n")
  }

  /// Writes as it is. Nobody can be told when that fails.
  static func write(_ text: String) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
      if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { return }
    }
  }
}
