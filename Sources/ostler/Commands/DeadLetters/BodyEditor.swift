import Foundation
import Store

/// Opens a body in the editor of whoever asks, in a file that only they may read.
struct BodyEditor {
  private let folder: String
  private let command: String
  private let before: [UInt8]

  /// The file that is edited.
  var path: String { folder + "/body.json" }

  private static let maxBytes = 4 << 20

  /// - Throws: `CommandFailure` with status 64 where no editor is known.
  init(_ letter: DeadLetter) throws(CommandFailure) {
    let environment = ProcessInfo.processInfo.environment
    guard let command = [environment["VISUAL"], environment["EDITOR"]].compactMap({ $0 }).first(where: { !$0.isEmpty })
    else {
      throw CommandFailure(
        .usage, "neither VISUAL nor EDITOR is set; set one, or change fields with --set path=value. Nothing was changed"
      )
    }
    self.command = command
    let lines = BodyText.editable(letter.body)
    before = lines
    var template = Array((NSTemporaryDirectory() + "ostler-edit-XXXXXX").utf8CString)
    // mkdtemp(3): only the owner may enter.
    guard
      let made = template.withUnsafeMutableBufferPointer({ buffer in
        buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
      })
    else { throw CommandFailure(.refused, "no temporary folder can be made: \(String(cString: strerror(errno)))") }
    folder = made
    guard FileManager.default.createFile(atPath: path, contents: Data(lines), attributes: [.posixPermissions: 0o600])
    else { throw CommandFailure(.refused, "\(path): cannot be written. Nothing was changed") }
  }

  /// - Parameter mayStay: whether leaving the text as it is means anything.
  /// - Returns: what was saved.
  func edit(mayStay: Bool) throws(CommandFailure) -> [UInt8] {
    let status = run()
    guard status == 0 else {
      remove()
      throw CommandFailure(
        .refused, "the editor '\(PlainText.clean(command))' ended with status \(status). Nothing was changed")
    }
    let after: [UInt8]
    do throws(FileError) {
      after = try FileBytes.read(path, maxBytes: Self.maxBytes)
    } catch {
      throw CommandFailure(.refused, "\(error.message). Nothing was changed")
    }
    guard mayStay || after != before else {
      remove()
      throw CommandFailure(.refused, "the text was left as it is. Nothing was changed")
    }
    return after
  }

  func remove() { try? FileManager.default.removeItem(atPath: folder) }

  /// By the shell, because the variable may have arguments in it. In the foreground of the same terminal, which is why
  /// it is not Foundation's Process: that makes a process group of its own, which may not read the terminal.
  private func run() -> Int32 {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var defaults = sigset_t()
    sigemptyset(&defaults)
    for number in [SIGPIPE, SIGINT] { sigaddset(&defaults, number) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
    // Ctrl-C is the editor's.
    let previous = signal(SIGINT, SIG_IGN)
    defer { signal(SIGINT, previous) }
    let words = ["/bin/sh", "-c", command + " \"$1\"", "sh", path]
    var arguments = words.map { strdup($0) } + [nil]
    defer { for word in arguments { free(word) } }
    var child = pid_t()
    guard posix_spawn(&child, "/bin/sh", nil, &attributes, &arguments, environ) == 0 else { return 127 }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
  }
}

extension BodyText {
  /// As an editor shows it: JSON with one value a line, anything else as it came.
  static func editable(_ body: [UInt8]) -> [UInt8] {
    guard isJSON(body) else { return body }
    return Array((pretty(body).joined(separator: "\n") + "\n").utf8)
  }
}
