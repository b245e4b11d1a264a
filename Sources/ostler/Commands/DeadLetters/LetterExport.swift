import ArgumentParser
import Foundation
import Lifecycle
import Store
import Worker

/// `ostler dead-letters export`.
struct LetterExport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write letters as JSON Lines, with every byte and type, for a bug report or another installation.",
    discussion: """
      Each line is a letter as 'list --json' prints it, and what else 'import' needs. Without IDs and --state: open and \
      replaying ones. API keys are never stored, so none is written; bodies are.

        ostler dl export 1f0c9a7e > letter.jsonl
        ostler dl export --code worker-crash -o crashes.jsonl
      """
  )

  @Argument(help: ArgumentHelp("Letters, or their first digits.", valueName: "id"))
  var ids: [LetterReference] = []

  @OptionGroup var selection: DeadLetterSelection

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("File to write, whole or not at all (default: standard output).", valueName: "file"),
    completion: .file())
  var file: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard ids.isEmpty || selection.isEmpty else {
      throw ValidationError("letters are named one by one or by a filter, not both")
    }
  }

  func run() async throws {
    try await selection.read(common) { store in
      let wanted = try await ids.resolve(in: store)
      guard let file, file != "-" else {
        var lines = StandardOutput()
        let count = try await forEachLine(store, wanted) { lines.line(utf8: $0) }
        lines.flush()
        guard count > 0 else { throw Self.nothing }
        return
      }
      let writer = try WholeFile(file)
      let count = try await forEachLine(store, wanted) { line throws(CommandFailure) in try writer.line(line) }
      guard count > 0 else { throw Self.nothing }
      try writer.finish()
      Complaint.write("\(PlainText.grouped(count)) dead letters written to \(file)\n")
    }
  }

  private static let nothing = CommandFailure(.refused, "no dead letters match; nothing was written")

  private func forEachLine(
    _ store: Store, _ wanted: [UUID128], _ body: ([UInt8]) throws -> Void
  ) async throws -> Int {
    var count = 0
    if wanted.isEmpty {
      try await store.forEachLetter(matching: selection.filter()) { letter in
        try body(try await line(letter, store))
        count += 1
      }
    } else {
      for id in wanted { try body(try await line(try await store.letter(id), store)) }
      count = wanted.count
    }
    return count
  }

  private func line(_ letter: DeadLetter, _ store: Store) async throws(StoreError) -> [UInt8] {
    let id = letter.id
    let replays = try await store.read { (snapshot) throws(StoreError) in try snapshot.replays(of: id) }
    return ExportedLetter(letter: letter, replays: replays).encoded
  }
}

/// A file that appears under its name only when it is complete. Only its owner may read it.
final class WholeFile {
  private let path: String
  private let temporary: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var isFinished = false

  init(_ path: String) throws(CommandFailure) {
    self.path = path
    temporary = path + ".new-" + String(UInt64.random(in: .min ... .max), radix: 16)
    descriptor = open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure(path) }
  }

  deinit {
    close(descriptor)
    if !isFinished { unlink(temporary) }
  }

  func line(_ bytes: [UInt8]) throws(CommandFailure) {
    buffer += bytes
    buffer.append(UInt8(ascii: "\n"))
    if buffer.count > 1 << 16 { try flush() }
  }

  func finish() throws(CommandFailure) {
    try flush()
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw Self.failure(path) }
    isFinished = true
  }

  private func flush() throws(CommandFailure) {
    var rest = buffer[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 { rest = rest.dropFirst(count) } else if errno != EINTR { throw Self.failure(path) }
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private static func failure(_ path: String) -> CommandFailure {
    CommandFailure(.refused, "\(path): cannot be written: \(String(cString: strerror(errno)))")
  }
}
