import ArgumentParser
import Foundation
import Lifecycle
import Store
import Worker

/// `ostler restore`.
struct RestoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore",
    abstract: "Put a backup in the place of the store, and keep servers that changed since from being given away.",
    discussion: """
      Stop the worker and every standby first. What happened after the backup was taken is read from the broker's events \
      log: servers that changed since are taken out of use as isolated (unknownError), those that a client has are frozen \
      by a quarantine, until a person decides about each. The epoch is raised. The store that was there is kept under \
      another name, and the list of what happened is printed and kept beside it. It may be stopped and run again at any \
      time: until its last step nothing has changed.

        ostler restore /var/backups/ostler-2026-11-25.sqlite --dry-run
        ostler restore /var/backups/ostler-2026-11-25.sqlite
        ostler restore --trust backup.sqlite
        ostler restore --no-log backup.sqlite
      """
  )

  @Argument(help: ArgumentHelp("The backup.", valueName: "file"), completion: .file())
  var file: String

  @Flag(help: "Show what happened since and what would be done; change nothing. A worker may run meanwhile.")
  var dryRun = false

  @Flag(help: "Leave every server as the backup has it, whatever happened since.")
  var trust = false

  @Flag(help: "Do not ask the broker what happened since: it is lost, or the log is. Needs no broker.")
  var noLog = false

  @Flag(help: "Go on although the log does not have every event since.")
  var acceptGaps = false

  @Flag(name: .shortAndLong, help: "Do not ask before the last step.")
  var yes = false

  @Option(help: ArgumentHelp("How long to wait for the broker.", valueName: "duration"))
  var timeout = DurationArgument(.seconds(10))

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let settings = try common.settings()
    Interruption.catchSignals()
    let now = Timestamp.now
    let line = RestoreProgress()
    let request = Restoration.Request(
      file: file, trustsBackup: trust, readsLog: !noLog, acceptsGaps: acceptGaps, isDryRun: dryRun,
      actor: "ostler restore (\(Operator.name))", connectTimeout: timeout.duration)
    do {
      let restoration = try await Restoration.prepare(request, settings: settings, now: now) { progress in
        try CopyProgress.stopIfAsked()
        line.update(progress)
      }
      line.finish()
      do {
        try await finish(restoration, settings, now)
      } catch {
        await restoration.close()
        throw error
      }
      await restoration.close()
    } catch let error as RestoreError {
      line.finish()
      throw Self.failure(error)
    } catch let error as StoreError {
      line.finish()
      throw BackupFailure.failure(error)
    }
  }

  private func finish(_ restoration: Restoration, _ settings: Settings, _ now: Timestamp) async throws {
    let report = restoration.result()
    let document = RestoreDocument(report)
    guard !dryRun else { return print(report, document, .dryRun) }
    try Confirmation.ask(
      "\(RestoreText.headline(report)). Put it in the place of \(settings.store.path)?", isNeeded: !yes)
    try CopyProgress.stopIfAsked()
    // The list is kept: the log forgets, and so does a terminal.
    let mark = now.description.filter { $0.isNumber || $0 == "T" }.prefix(15)
    let listing = "\(settings.store.path).restored-\(mark)Z.jsonl"
    let writer = try WholeFile(listing)
    for object in document.lines { try writer.line(object) }
    try writer.finish()
    let previous = try await restoration.takePlace(keeping: "\(settings.store.path).before-restore-\(mark)Z")
    print(report, document, .done(previous, listing: listing))
  }

  private func print(_ report: RestoreReport, _ document: RestoreDocument, _ end: RestoreEnd) {
    if output.json {
      var lines = StandardOutput()
      for object in document.lines { lines.line(utf8: object) }
      lines.line(utf8: document.summary(end, store: nil))
      lines.flush()
    } else {
      RestoreText.print(report, end)
    }
  }

  private static func failure(_ error: RestoreError) -> CommandFailure {
    let status: ExitStatus =
      switch error.code {
      case .refused: .refused
      case .unavailable: .unavailable
      case .defect: .defect
      }
    return CommandFailure(status, PlainText.clean(error.message))
  }
}

/// How it ended.
enum RestoreEnd {
  case dryRun
  /// - Parameter listing: the file that keeps the list.
  case done(StoreReplacement.Previous, listing: String)
}

/// How far a restore has come, on the terminal.
private final class RestoreProgress {
  private var copying = CopyProgress("Copying the backup")
  private var line: ProgressLine?
  private var stage = ""
  private var done = 0

  func update(_ progress: Restoration.Progress) {
    switch progress {
    case .copying(let progress): copying.update(progress)
    case .reading(let done, let total): draw("Reading the events log", done, total)
    case .withdrawing(let done, let total): draw("Servers that changed since", done, total)
    }
  }

  private func draw(_ stage: String, _ done: Int, _ total: Int) {
    if self.stage != stage {
      finish()
      self.stage = stage
      line = ProgressLine(stage, total: total)
    }
    self.done = done
    line?.update(done)
  }

  func finish() {
    copying.finish()
    line?.finish(done)
    line = nil
  }
}
