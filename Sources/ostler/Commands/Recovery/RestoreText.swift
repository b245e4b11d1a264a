import Lifecycle
import Store
import Worker

/// What a restore tells, for people.
enum RestoreText {
  /// In one sentence.
  static func headline(_ report: RestoreReport) -> String {
    let since = report.latestAt.map { ", the last of \($0)" } ?? ""
    let taken = report.backup.lastChangeAt.map { " (last change \($0))" } ?? ""
    let lost =
      switch report.log {
      case .notRead: "what happened after it is not known"
      case .read: "\(PlainText.grouped(report.eventCount)) events happened after it\(since)"
      }
    return "The backup is at epoch \(report.backup.epoch), position \(report.backup.position)\(taken); \(lost); "
      + "\(PlainText.grouped(report.servers.count)) servers changed"
  }

  static func print(_ report: RestoreReport, _ end: RestoreEnd) {
    var lines = StandardOutput()
    lines.line("\(headline(report)).")
    switch report.present {
    case .missing: lines.line("There is no store in its place.")
    case .same(let epoch, let position, let unpublished):
      lines.line(
        "The store in its place is at epoch \(epoch), position \(position); \(PlainText.grouped(unpublished)) of its events were not published yet."
      )
    case .another(let storeID, _, let position):
      lines.line("The store in its place is another one, \(storeID), at position \(position).")
    case .unreadable(let reason):
      lines.line("The store in its place cannot be read; what it had not published yet is not known: \(reason)")
    }
    lines.flush()
    servers(report)
    allocations(report)
    quotas(report)
    letters(report)
    finish(report, end)
  }

  private static func servers(_ report: RestoreReport) {
    guard !report.servers.isEmpty else { return }
    heading("Servers that changed after the backup")
    var table = TextTable([
      .init("SERVER", isNumber: true), .init("IN THE BACKUP"), .init("LAST KNOWN"), .init("LAST CHANGE"),
      .init("CHANGES", isNumber: true), .init("NOW"),
    ])
    for server in report.servers {
      let last = server.lost.last
      table.row([
        server.lost.id.description, server.before.map { "\($0.state.name.rawValue) \($0.version)" } ?? "not known",
        "\(last.state.rawValue)\(last.subState.map { " (\($0))" } ?? "") \(last.version)", last.time.description,
        String(server.lost.changes),
        server.command == nil
          ? "left as it was" : server.after.map { "\($0.state.name.rawValue) \($0.version)" } ?? "-",
      ])
    }
    table.finish()
  }

  private static func allocations(_ report: RestoreReport) {
    guard report.servers.contains(where: { !$0.lost.allocations.isEmpty }) else { return }
    heading("Allocations that began or ended after the backup")
    var table = TextTable([
      .init("SERVER", isNumber: true), .init("CLIENT", isNumber: true), .init("CONTRACT"), .init("BEGAN"),
      .init("ENDED"),
      .init("ALLOCATION", isWhole: true),
    ])
    for server in report.servers {
      for allocation in server.lost.allocations {
        table.row([
          server.lost.id.description, allocation.clientID.description, allocation.contractID,
          allocation.began ? allocation.startedAt : "before",
          allocation.endedAt.map { "\($0) (\(allocation.endedBy ?? "?"))" },
          allocation.id.description,
        ])
      }
    }
    table.finish()
  }

  private static func quotas(_ report: RestoreReport) {
    guard !report.quotas.isEmpty else { return }
    heading("Quotas that changed after the backup (they are as in the backup again)")
    var lines = StandardOutput()
    for quota in report.quotas {
      let key = quota.lost.key
      var command = "ostler send set-quota --client \(key.clientID)"
      if let contract = key.contractID { command += " --contract \(contract)" }
      command += " --location \(key.locationID) --type \(key.instanceTypeID) "
      command += quota.lost.limit.map { "--limit \($0)" } ?? "--remove"
      lines.line("  was \(quota.limit.map(String.init) ?? "none"), set at \(quota.lost.time): \(command)")
    }
    lines.flush()
  }

  private static func letters(_ report: RestoreReport) {
    guard !report.letters.isEmpty else { return }
    heading("Dead letters that were kept after the backup: they are lost, and their senders have to send again")
    var table = TextTable([
      .init("TIME"), .init("COMMAND"), .init("CODE", isWhole: true), .init("SERVER", isNumber: true),
      .init("CLIENT", isNumber: true), .init("OPERATION"), .init("MESSAGE"),
    ])
    for letter in report.letters {
      table.row([
        letter.time.description, letter.command, letter.code, letter.serverID?.description,
        letter.clientID?.description,
        letter.operation, letter.message,
      ])
    }
    table.finish()
    if report.moreLetters > 0 { heading("and \(PlainText.grouped(report.moreLetters)) more") }
  }

  private static func finish(_ report: RestoreReport, _ end: RestoreEnd) {
    var lines = StandardOutput()
    lines.line("")
    for gap in report.gaps {
      lines.line(
        "Not in the log: positions \(gap.first.map(String.init) ?? "up") to \(gap.last) of epoch \(gap.epoch).")
    }
    if report.operationCount > 0 {
      lines.line(
        "\(PlainText.grouped(report.operationCount)) operations since are remembered: a copy of their commands is answered and not applied again."
      )
    }
    if report.resolvedLetters > 0 {
      lines.line("\(report.resolvedLetters) letters were replayed since, and are closed.")
    }
    if report.givenUpReplays > 0 {
      lines.line("\(report.givenUpReplays) replays were under way in the backup; their letters are open.")
    }
    if report.notesSnapshot { lines.line("All states are published when the worker starts.") }
    switch end {
    case .dryRun: lines.line("A dry run: nothing was changed. It would begin epoch \(report.newEpoch).")
    case .done(let previous, let listing):
      if case .kept(let aside) = previous {
        lines.line("The store that was there is kept as \(PlainText.clean(aside)).")
      }
      lines.line("This list is kept in \(PlainText.clean(listing)).")
      lines.line("Restored: the store is at epoch \(report.newEpoch). Start the worker, then decide about each server:")
      lines.line("  ostler servers --state isolated      ostler servers --state quarantined      ostler server ID")
    }
    lines.flush()
  }

  private static func heading(_ text: String) {
    var lines = StandardOutput()
    lines.line("")
    lines.line(text)
    lines.flush()
  }
}
