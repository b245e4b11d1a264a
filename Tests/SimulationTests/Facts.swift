import Lifecycle
import Store
import TestSupport
import Worker

/// What is known from outside: what was committed, published, confirmed and received. Each report says what it breaks.
struct Facts {
  private var events: [CommittedEvent] = []
  private var copies: Set<Int> = []
  private var versions: [Int64: Int64] = [:]
  private var states: [Int64: Substring] = [:]
  /// Events that the subscriber has.
  private var received: Set<Int64> = []
  private var receivedThrough: Int64 = 0
  /// Events whose confirm has come back to a worker.
  private var confirmed: Set<Int64> = []
  private var confirmedThrough: Int64 = 0
  /// Nothing was refused yet: first sight is in order.
  var isOrdered = true
  private var replayed: [String: Int] = [:]
  /// How often in a row the process ended with a note of a message standing.
  private var crashes: [String: Int] = [:]
  private var crashLetters: [String] = []

  var lastCommitted: Int64 { events.last?.position ?? 0 }
  func hasEvent(ofCopy number: Int) -> Bool { copies.contains(number) }

  mutating func committed(_ row: OutboxEvent, of storeID: UUID128, _ senders: Senders) -> String? {
    let event = CommittedEvent(row, of: storeID)
    let last = lastCommitted
    events.append(event)
    guard event.position == last + 1 else { return "position \(event.position) was committed after \(last)" }
    if let copy = event.copy {
      copies.insert(copy)
      let intent = senders.intent(of: copy)
      intent.events.append(event.position)
      if event.isChange { intent.changes.append(event.position) }
    }
    if let letter = event.letter, event.name == "replayed" { replayed[letter, default: 0] += 1 }
    if event.code == "worker-crash", let letter = event.letter {
      crashLetters.append(letter.filter { $0 != "-" }.uppercased())
    }
    if let server = event.server, let version = event.version, !event.isSnapshot {
      let before = versions[server] ?? 0
      versions[server] = version
      states[server] = event.state
      if version != before + 1 { return "server \(server) went from version \(before) to \(version)" }
    }
    return nil
  }

  /// The store has let go of all events before this position.
  func marked(before position: Int64) -> String? {
    guard position - 1 > confirmedThrough else { return nil }
    return "the events before \(position) are out of the outbox, confirmed are those through \(confirmedThrough)"
  }

  /// A relay has written an event to its connection.
  ///
  /// - Parameter last: what it wrote there before.
  func written(_ position: Int64, _ body: [UInt8], after last: Int64?) -> String? {
    guard let event = event(at: position) else { return "event \(position) was published before it was committed" }
    if event.body != body { return "event \(position) was published with other bytes" }
    // Skipped may be what another worker has seen through.
    let from = last.map { min($0, position) } ?? 0
    let skipped = (from + 1..<max(from + 1, position)).first { !confirmed.contains($0) && $0 > confirmedThrough }
    return skipped.map { "event \(position) was published after \(last ?? 0), and \($0) was left out" }
  }

  mutating func received(_ position: Int64, _ body: [UInt8], isOrdered: Bool) -> String? {
    guard let event = event(at: position) else { return "an event was received that nobody committed: \(position)" }
    if event.body != body { return "event \(position) was received with other bytes" }
    received.insert(position)
    while received.contains(receivedThrough + 1) { receivedThrough += 1 }
    return isOrdered && receivedThrough < position
      ? "event \(position) was received, and \(receivedThrough + 1) never before it" : nil
  }

  mutating func confirmed(_ position: Int64) {
    confirmed.insert(position)
    while confirmed.contains(confirmedThrough + 1) { confirmedThrough += 1 }
  }

  private func event(at position: Int64) -> CommittedEvent? {
    events.indices.contains(Int(position) - 1) ? events[Int(position) - 1] : nil
  }

  // MARK: Crashes

  mutating func noteCrash(_ suspects: [String]?) {
    guard let suspects else { return }
    crashes = Dictionary(uniqueKeysWithValues: suspects.map { ($0, crashes[$0, default: 0] + 1) })
  }

  mutating func takeCrashLetters() -> [String]? {
    guard !crashLetters.isEmpty else { return nil }
    defer { crashLetters = [] }
    return crashLetters
  }

  func mayBeConvicted(_ sameMessage: String) -> String? {
    let times = crashes[sameMessage] ?? 0
    return times >= PoisonWatch.maxCrashes
      ? nil : "a message was kept as worker-crash after \(times) crashes with a note of it standing"
  }

  // MARK: The promises

  func broken(senders: Senders, probe: StoreProbe) throws -> [String] {
    var problems: [String] = []
    for event in events where !received.contains(event.position) {
      problems.append("event \(event.position) (\(event.routingKey)) was never received")
    }
    for intent in senders.intents {
      let name = "\(intent.order.command.rawValue) \(String(decoding: intent.order.body, as: UTF8.self))"
      switch intent.kind {
      case .keyed:
        let isAnswered =
          intent.order.command == .allocate
          && senders.sameOperation(intent).contains { !$0.changes.isEmpty }
        if intent.events.isEmpty, !isAnswered { problems.append("lost: \(name)") }
        let changes =
          intent.order.command == .allocate
          ? Set(senders.sameOperation(intent).flatMap(\.changes)) : Set(intent.changes)
        if changes.count > 1 { problems.append("applied \(changes.count) times: \(name)") }
      case .loose:
        for copy in intent.copies where !copies.contains(copy) { problems.append("lost: copy \(copy) of \(name)") }
      }
    }
    for row in try probe.rows("SELECT id, version, state FROM servers ORDER BY id") {
      let id = Int64(row[0]) ?? 0
      if versions[id].map(String.init) != row[1] || states[id].map(String.init) != row[2] {
        problems.append("server \(row[0]) is \(row[1]) \(row[2]) in the store, the events say otherwise")
      }
    }
    if try probe.number("SELECT count(*) FROM servers") != versions.count { problems.append("a server is missing") }
    problems += try Promises.quotaUse(probe)
    let twice = try probe.rows("SELECT hex(key), attempt FROM operations GROUP BY 1, 2 HAVING count(*) > 1")
    if !twice.isEmpty { problems.append("operations have two outcomes: \(twice)") }
    for row in try probe.rows(
      """
      SELECT lower(hex(letter_id)), count(*) FROM replays WHERE state = 'succeeded' GROUP BY 1
      """)
    {
      let letter = replayed.first { $0.key.filter { $0 != "-" } == row[0] }
      if (letter?.value ?? 0) > (Int(row[1]) ?? 0) { problems.append("letter \(row[0]) was replayed twice") }
    }
    let lost = try probe.rows(
      """
      SELECT hex(key) FROM operations WHERE outcome = 'rejected' AND NOT EXISTS (
        SELECT 1 FROM dead_letters WHERE id = dead_letter_id)
      """)
    if !lost.isEmpty { problems.append("rejections have no letter: \(lost)") }
    return problems
  }
}
