import Foundation

/// Why a file cannot be read.
struct FileError: Error {
  enum Code { case missing, unreadable, tooLarge }
  let code: Code
  /// Names the file and what is wrong with it.
  let message: String
}

/// Whole files, up to a limit.
enum FileBytes {
  /// The bytes of the file at `path`; `-` is the standard input.
  static func read(_ path: String, maxBytes: Int) throws(FileError) -> [UInt8] {
    let source = try ByteSource(path)
    var bytes: [UInt8] = []
    while let chunk = try source.next() {
      bytes += chunk
      guard bytes.count <= maxBytes else {
        throw FileError(code: .tooLarge, message: "\(source.name): larger than the \(maxBytes) bytes allowed")
      }
    }
    return bytes
  }
}

/// A file, read in chunks. Closed when it is let go.
struct ByteSource: ~Copyable {
  /// As messages call it.
  let name: String
  private let descriptor: Int32

  /// `-` is the standard input.
  init(_ path: String) throws(FileError) {
    if path == "-" {
      name = "standard input"
      descriptor = STDIN_FILENO
      return
    }
    name = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.failure(path, errno) }
  }

  deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

  private static let chunkBytes = 65_536

  /// What can be read now, up to 64 KiB; `nil` at the end.
  func next() throws(FileError) -> [UInt8]? {
    var code: Int32 = 0
    let chunk = [UInt8](unsafeUninitializedCapacity: Self.chunkBytes) { buffer, count in
      var got: Int
      repeat { got = Foundation.read(descriptor, buffer.baseAddress, buffer.count) } while got < 0 && errno == EINTR
      if got < 0 { code = errno }
      count = max(got, 0)
    }
    guard code == 0 else { throw Self.failure(name, code) }
    return chunk.isEmpty ? nil : chunk
  }

  /// Whether a read would not wait: always for a file, for a pipe when something is in it or its other side is closed.
  var isReady: Bool {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&wanted, 1, 0) != 0
  }

  /// Whether it can be read again: no pipe, no terminal.
  var isRegularFile: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  private static func failure(_ name: String, _ code: Int32) -> FileError {
    switch code {
    case ENOENT: FileError(code: .missing, message: "\(name): no such file")
    case EISDIR: FileError(code: .unreadable, message: "\(name): is a directory, not a file")
    default: FileError(code: .unreadable, message: "\(name): cannot be read: \(String(cString: strerror(code)))")
    }
  }
}
