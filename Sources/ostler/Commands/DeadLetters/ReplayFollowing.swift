import Lifecycle
import Store
import Worker

/// Follows replays to their ends by reading the store, whoever ends them.
struct ReplayFollowing {
  /// One replay as far as it is known.
  struct Outcome {
    let asked: ReplayAsking.Asked
    /// As the audit trail writes it; `nil` while it is under way.
    let result: String?

    static let rejected = "rejected: "

    var code: String? {
      guard let result, result.hasPrefix(Self.rejected) else { return nil }
      return String(result.dropFirst(Self.rejected.count))
    }

    var document: [UInt8] {
      var fields = [
        Detail.Field("id", .text(asked.id.description)), Detail.Field("attempt", .integer(Int64(asked.attempt))),
      ]
      fields.add("outcome", code == nil ? result ?? "asked" : "rejected")
      fields.add("code", code)
      var writer = JSONWriter()
      writer.value(fields)
      return writer.bytes
    }
  }

  private let store: Store
  private let asked: [ReplayAsking.Asked]
  private var results: [ReplayAsking.Asked: String] = [:]
  private static let interval = Duration.milliseconds(100)
  private static let chunk = 500

  init(store: Store, asked: [ReplayAsking.Asked]) {
    self.store = store
    self.asked = asked
  }

  var all: [Outcome] { asked.map { Outcome(asked: $0, result: results[$0]) } }
  var pendingCount: Int { asked.count - results.count }
  var isComplete: Bool { pendingCount == 0 }
  /// Those that did not end well.
  var failedCount: Int { results.values.count { !Self.good.contains($0) } }
  private static let good: Set<String> = ["applied", "unchanged", "already-applied"]

  mutating func follow(for limit: Duration) async throws(StoreError) {
    let deadline = ContinuousClock.now + limit
    var progress = ProgressLine("replayed", total: asked.count, isVisible: Complaint.isTerminal && asked.count > 1)
    var pending = asked
    while !pending.isEmpty, !Interruption.isRequested {
      pending = try await look(at: pending)
      progress.update(results.count)
      guard !pending.isEmpty, .now < deadline else { break }
      await Interruption.wait(min(Self.interval, deadline - .now))
    }
    progress.finish(results.count)
  }

  /// - Returns: those that are still under way.
  private mutating func look(at pending: [ReplayAsking.Asked]) async throws(StoreError) -> [ReplayAsking.Asked] {
    var left: [ReplayAsking.Asked] = []
    for start in stride(from: 0, to: pending.count, by: Self.chunk) {
      let chunk = Array(pending[start..<min(start + Self.chunk, pending.count)])
      let found = try await store.read { (snapshot) throws(StoreError) in
        var found: [String?] = []
        for one in chunk {
          guard let (replay, result) = try snapshot.replayResult(of: one.id, attempt: one.attempt) else {
            found.append("pruned")
            continue
          }
          found.append(replay.isRunning ? nil : result ?? replay.state.rawValue)
        }
        return found
      }
      for (one, result) in zip(chunk, found) {
        if let result { results[one] = result } else { left.append(one) }
      }
    }
    return left
  }

  /// `4,990: 4,980 applied, 10 rejected (10 quota-exceeded)`.
  var summary: String {
    var counts: [String: Int] = [:]
    var codes: [String: Int] = [:]
    for outcome in all {
      if let code = outcome.code {
        counts["rejected", default: 0] += 1
        codes[code, default: 0] += 1
      } else {
        counts[outcome.result ?? "under way", default: 0] += 1
      }
    }
    let parts = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { name, count in
      guard name == "rejected" else { return "\(PlainText.grouped(count)) \(name)" }
      let list = codes.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
        "\(PlainText.grouped($0.value)) \($0.key)"
      }
      return "\(PlainText.grouped(count)) rejected again (\(list.joined(separator: ", ")))"
    }
    return "\(PlainText.grouped(asked.count)) followed: \(parts.joined(separator: ", "))"
  }
}
