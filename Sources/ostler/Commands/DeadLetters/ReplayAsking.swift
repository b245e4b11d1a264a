import Lifecycle
import Store

/// Asks the store for one replay after the other, at a rate if one is given. What was asked for stays asked for,
/// whatever happens to this process.
struct ReplayAsking {
  struct Asked: Hashable, Sendable {
    let id: UUID128
    let attempt: Int
  }

  private(set) var asked: [Asked] = []
  private(set) var refused = 0
  private(set) var done = 0
  private let store: Store
  private let reason: String?
  private let rate: Double?
  private let maxFailures: Int?
  /// In one transaction: the worker's wait no longer than this takes.
  private static let chunk = 250
  private static let maxTold = 20

  init(store: Store, reason: String?, rate: Double?, maxFailures: Int?) {
    self.store = store
    self.reason = reason
    self.rate = rate
    self.maxFailures = maxFailures
  }

  mutating func ask(_ ids: [UUID128]) async throws(StoreError) {
    let start = ContinuousClock.now
    var progress = ProgressLine("asking", total: ids.count, isVisible: Complaint.isTerminal && ids.count > 1)
    while done < ids.count, !Interruption.isRequested {
      let allowed = allowed(after: .now - start, of: ids.count)
      guard allowed > done else {
        await Interruption.wait(pause(after: .now - start))
        continue
      }
      try await ask(chunk: Array(ids[done..<min(allowed, done + Self.chunk)]))
      progress.update(done)
    }
    progress.finish(done)
  }

  /// How many may have been asked for by now; the first at once.
  private func allowed(after elapsed: Duration, of total: Int) -> Int {
    guard let rate else { return total }
    return min(Int(min(elapsed / .seconds(1) * rate, Double(total))) + 1, total)
  }

  /// Until the next may be asked for; no shorter than is worth a transaction of its own.
  private func pause(after elapsed: Duration) -> Duration {
    guard let rate else { return .zero }
    return max(.seconds(Double(done) / rate) - elapsed, .milliseconds(20))
  }

  private mutating func ask(chunk: [UUID128]) async throws(StoreError) {
    let (reason, maxFailures) = (reason, maxFailures)
    let requests = try await store.commit(owner: nil) { (transaction) throws(StoreError) in
      var requests: [ReplayRequest] = []
      for id in chunk {
        requests.append(
          try transaction.askReplay(of: id, by: Operator.name, reason: reason, at: .now, maxFailures: maxFailures))
      }
      return requests
    }
    for (id, request) in zip(chunk, requests) {
      switch request {
      case .asked(let attempt): asked.append(Asked(id: id, attempt: attempt))
      case .refused(let refusal):
        refused += 1
        if refused <= Self.maxTold { Complaint.print("\(id): \(refusal.text); it is not replayed") }
        if refused == Self.maxTold { Complaint.print("more of these are counted, and not listed") }
      }
    }
    done += chunk.count
  }

  func summary(of total: Int) -> String {
    var text = "\(PlainText.grouped(asked.count)) \(asked.count == 1 ? "replay" : "replays") asked for"
    if refused > 0 { text += ", \(PlainText.grouped(refused)) refused" }
    if done < total { text += "; stopped, \(PlainText.grouped(total - done)) not asked for" }
    return text
  }

  /// The failure, with how far it came.
  func interrupted(_ failure: CommandFailure, of total: Int) -> CommandFailure {
    CommandFailure(failure.status, "\(failure.message)\n  \(summary(of: total))")
  }
}
