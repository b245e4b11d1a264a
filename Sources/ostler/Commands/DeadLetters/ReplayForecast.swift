import Lifecycle
import Store
import Worker

/// The dry run: decides the letters of a plan in order, over one snapshot, and tells what would become of each.
struct ReplayForecast {
  let plan: ReplayPlan
  let asJSON: Bool
  /// Also letters that have failed too often.
  let isForced: Bool

  /// What is kept of each letter while the snapshot is read; the letters themselves are read again to be printed.
  private struct Result: Sendable {
    let id: UUID128
    let verdict: ReplayVerdict
  }

  func run(_ store: Store, _ settings: Settings) async throws {
    guard !plan.ids.isEmpty else {
      if asJSON { return }
      throw CommandFailure(.refused, plan.leftOut.isEmpty ? "no dead letters match" : "nothing would be replayed")
    }
    let ids = plan.ids
    let maxFailures = isForced ? nil : settings.deadLetters.maxReplays
    let results = try await store.read { (snapshot) throws(StoreError) in
      let dryRun = DryRun(over: snapshot, settings: settings, now: .now)
      var results: [Result] = []
      results.reserveCapacity(ids.count)
      for id in ids {
        // Gone since the plan was made.
        guard let letter = try snapshot.letter(id) else { continue }
        let refusal = try snapshot.replayRefusal(of: letter, maxFailures: maxFailures)
        results.append(Result(id: id, verdict: try ReplayVerdict(on: letter, refusal: refusal, dryRun)))
      }
      return results
    }
    if asJSON { try await printJSON(results, store) } else { try await printText(results, store) }
  }

  private func printJSON(_ results: [Result], _ store: Store) async throws {
    var lines = StandardOutput()
    for result in results {
      let letter = try await store.letter(result.id)
      lines.line(utf8: DeadLetterDocument.encode(letter) { result.verdict.write(to: &$0) })
    }
    lines.flush()
  }

  private func printText(_ results: [Result], _ store: Store) async throws {
    var table = TextTable([
      .init("ID", isWhole: true), .init("COMMAND"), .init("SERVER", isNumber: true), .init("CLIENT", isNumber: true),
      .init("WAS"),
      .init("WOULD"),
    ])
    let isCut = StandardOutput.isTerminal
    for result in results {
      let letter = try await store.letter(result.id)
      table.row([
        isCut ? letter.id.short : letter.id.description, letter.command, letter.serverID?.description,
        letter.clientID?.description, letter.code.rawValue, result.verdict.text,
      ])
    }
    table.finish()
    var lines = StandardOutput()
    lines.line("\n" + Self.summary(results))
    lines.flush()
  }

  private static func summary(_ results: [Result]) -> String {
    var counts: [DryRun.Would: Int] = [:]
    var codes: [RejectionCode: Int] = [:]
    for result in results {
      counts[result.verdict.would, default: 0] += 1
      if let code = result.verdict.code { codes[code, default: 0] += 1 }
    }
    let list = codes.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map {
      "\(PlainText.grouped($0.value)) \($0.key.rawValue)"
    }
    let parts = DryRun.Would.allCases.compactMap { would -> String? in
      guard let count = counts[would] else { return nil }
      let number = PlainText.grouped(count)
      return switch would {
      case .apply: "\(number) would be applied"
      case .unchanged: "\(number) would change nothing"
      case .alreadyApplied: "\(number) have been applied already"
      case .reject: "\(number) would be rejected again (\(list.joined(separator: ", ")))"
      }
    }
    return "\(PlainText.grouped(results.count)) in a dry run, nothing was changed: \(parts.joined(separator: ", "))"
  }
}
