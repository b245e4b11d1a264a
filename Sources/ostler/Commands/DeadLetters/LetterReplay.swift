import ArgumentParser
import Lifecycle
import Store
import Worker

/// `ostler dead-letters replay`.
struct LetterReplay: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Have letters decided again: named ones, or all that match a filter, oldest first.",
    discussion: """
      The worker publishes a replay through the command's own queue, for each server one after the other, and beside live \
      commands. What was applied before is not applied twice, and a letter is replayed by one person at a time. A replay \
      that fails opens its letter again. Without a running worker replays wait in the store until one starts.

      A filter takes open letters; --state answered takes those whose senders know. Allocate letters without notAfter are \
      left out, and counted: nobody may be waiting for that server any more.

        ostler dl replay 1f0c9a7e --wait
        ostler dl replay --code unknown-server --dry-run
        ostler dl replay --code unknown-server --first 10 --wait
        ostler dl replay --code unknown-server --rate 200 --wait --reason 'servers enrolled, case 4711'

      Status 0: all that was asked for is under way, or with --wait has succeeded; 1: something was refused, or failed \
      again; 69: --wait was over before all had ended. Ctrl-C stops between two letters and says how far it got.
      """
  )

  @OptionGroup var targets: LetterTargets

  @Option(help: ArgumentHelp("Only the first so many, oldest first.", valueName: "n"))
  var first: Int?

  @Option(help: ArgumentHelp("At most so many a second.", valueName: "n"))
  var rate: Double?

  @Flag(help: "Decide them in order over the store as it is, write nothing, and tell what would become of each.")
  var dryRun = false

  @Flag(help: "Follow each to its end.")
  var wait = false

  @Option(help: ArgumentHelp("How long --wait waits once all have been asked for.", valueName: "duration"))
  var timeout = DurationArgument(.seconds(300))

  @Option(help: ArgumentHelp("Why; kept with who and when.", valueName: "text"))
  var reason: String?

  @Flag(help: "Also letters whose replays have failed deadLetters.maxReplays times.")
  var force = false

  @Flag(help: "With a filter, also allocate letters without notAfter.")
  var includeAllocate = false

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard first.map({ $0 >= 1 }) ?? true else { throw ValidationError("--first is at least 1") }
    guard rate.map({ $0.isFinite && $0 >= 0.01 && $0 <= 1_000_000 }) ?? true else {
      throw ValidationError("--rate is a number of letters a second, from 0.01 on")
    }
    guard timeout.duration > .zero else { throw ValidationError("--timeout must be longer than nothing") }
    guard !dryRun || !wait else { throw ValidationError("--dry-run and --wait exclude each other") }
    try LetterTargets.checkReason(reason)
    guard targets.isNamed || first != nil || rate != nil || dryRun else { throw LetterTargets.unnamed }
  }

  func run() async throws {
    if dryRun {
      let settings = try common.settings()
      try await targets.selection.read(common) { store in
        let plan = try await plan(store, settings)
        try await ReplayForecast(plan: plan, asJSON: output.json, isForced: force).run(store, settings)
      }
    } else {
      try await targets.selection.write(common) { store, settings in try await replay(store, settings) }
    }
  }

  private func plan(_ store: Store, _ settings: Settings) async throws -> ReplayPlan {
    var plan = ReplayPlan(
      limit: first, maxFailures: force ? nil : settings.deadLetters.maxReplays, includesAllocate: includeAllocate,
      isDryRun: dryRun)
    if targets.ids.isEmpty {
      try await plan.select(targets.selection, in: store)
    } else {
      try await plan.name(try await targets.ids.resolve(in: store), in: store)
    }
    plan.tellLeftOut()
    return plan
  }

  private func replay(_ store: Store, _ settings: Settings) async throws {
    let plan = try await plan(store, settings)
    guard !plan.ids.isEmpty else {
      throw CommandFailure(
        .refused, plan.leftOut.isEmpty ? "no dead letters match; nothing was replayed" : "nothing was replayed")
    }
    try Confirmation.ask(
      "Replay \(PlainText.grouped(plan.ids.count)) letters?",
      isNeeded: plan.isBulk && plan.ids.count > 1 && !targets.yes)
    Interruption.catchSignals()
    var asking = ReplayAsking(
      store: store, reason: reason, rate: rate, maxFailures: force ? nil : settings.deadLetters.maxReplays)
    do throws(StoreError) {
      try await asking.ask(plan.ids)
    } catch {
      throw asking.interrupted(StoreAccess.failure(error), of: plan.ids.count)
    }
    var following = ReplayFollowing(store: store, asked: asking.asked)
    if wait { try await following.follow(for: timeout.duration) }
    try await report(asking, following, plan, store)
  }

  private func report(
    _ asking: ReplayAsking, _ following: ReplayFollowing, _ plan: ReplayPlan, _ store: Store
  ) async throws {
    var lines = StandardOutput()
    if output.json {
      for outcome in following.all { lines.line(utf8: outcome.document) }
    } else {
      lines.line(asking.summary(of: plan.ids.count))
      if wait { lines.line(following.summary) }
    }
    lines.flush()
    if !following.isComplete, try await !store.hasWorker() {
      Complaint.print("no worker runs on this store; what was asked for goes out when one starts")
    }
    if wait, !following.isComplete, !Interruption.isRequested {
      throw CommandFailure(
        .unavailable,
        "\(PlainText.grouped(following.pendingCount)) have not ended within \(DurationText.write(timeout.duration)); "
          + "they go on, and 'ostler dl audit' tells how they ended")
    }
    // Of what a filter found, somebody else may have begun to replay a part meanwhile.
    let hasRefused = plan.hasRefused || (asking.refused > 0 && (!plan.isBulk || asking.asked.isEmpty))
    let isPartial = asking.done < plan.ids.count || (wait && !following.isComplete)
    if isPartial || hasRefused || following.failedCount > 0 { throw CommandFailure(.refused, "") }
  }
}
