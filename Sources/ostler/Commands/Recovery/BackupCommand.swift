import ArgumentParser
import Foundation
import Lifecycle
import Store
import Worker

/// `ostler backup`.
struct BackupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copy the store into one file, whole, also while the worker runs.",
    discussion: """
      The file appears under its name only when it is complete, on disk and checked; only its owner may read it. It is the \
      store as it was when the copying began. Commands go on being applied meanwhile. 'ostler restore' brings it back.

        ostler backup /var/backups/ostler-$(date +%F).sqlite
        ostler backup --force /var/backups/ostler.sqlite
        ostler backup nightly.sqlite --json
      """
  )

  @Argument(help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
  var file: String

  @Flag(help: "Replace the file where it is there already.")
  var force = false

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let settings = try common.settings()
    Interruption.catchSignals()
    var line = CopyProgress("Copying")
    let facts: StoreCopyFacts
    do throws(StoreError) {
      facts = try StoreBackup.make(of: settings.store.path, to: file, replaces: force) { progress in
        try CopyProgress.stopIfAsked()
        line.update(progress)
      }
    } catch {
      line.finish()
      throw BackupFailure.failure(error)
    }
    line.finish()
    print(facts)
  }

  private func print(_ facts: StoreCopyFacts) {
    var lines = StandardOutput()
    if output.json {
      var json = JSONWriter()
      json.beginObject()
      json.key("file")
      json.value(file)
      json.key("storeid")
      json.value(facts.storeID)
      json.key("epoch")
      json.value(facts.epoch)
      json.key("position")
      json.sortable(facts.position)
      if let time = facts.lastChangeAt {
        json.key("lastChangeAt")
        json.value(time)
      }
      json.key("bytes")
      json.value(facts.bytes)
      json.endObject()
      lines.line(utf8: json.bytes)
    } else {
      lines.line("backup of store \(facts.storeID)")
      lines.line("  file         \(PlainText.clean(file)), \(PlainText.grouped(facts.bytes)) bytes")
      lines.line("  epoch        \(facts.epoch)")
      lines.line("  position     \(facts.position)")
      if let time = facts.lastChangeAt { lines.line("  last change  \(time)") }
    }
    lines.flush()
  }
}

/// How far a copy has come, on the terminal.
struct CopyProgress {
  private let label: String
  private var line: ProgressLine?
  private var pages = 0

  init(_ label: String) { self.label = label }

  mutating func update(_ progress: StoreBackup.Progress) {
    switch progress {
    case .copied(let done, let total):
      if line == nil { line = ProgressLine("\(label) (pages)", total: total) }
      pages = done
      line?.update(done)
    case .checking:
      finish()
      if Complaint.isTerminal { Complaint.write("Checking the copy\n") }
    }
  }

  /// Leaves the line as it is.
  mutating func finish() {
    line?.finish(pages)
    line = nil
  }

  static func stopIfAsked() throws {
    if Interruption.isRequested { throw StoreError(.cancelled, "Stopped; nothing was changed, and no copy was left.") }
  }
}

enum BackupFailure {
  /// What kept a copy from being made, or put in its place.
  static func failure(_ error: StoreError) -> CommandFailure {
    let cause = error.cause.map { " (\(PlainText.clean(String(describing: $0))))" } ?? ""
    let status: ExitStatus =
      switch error.code {
      case .cannotOpen, .busy, .diskFull, .ioError, .readOnly: .unavailable
      case .corrupt, .newerSchema, .notOstler, .migrationNeeded, .fenced, .refused, .cancelled: .refused
      case .defect: .defect
      }
    return CommandFailure(status, "\(error.message)\(cause)")
  }
}
