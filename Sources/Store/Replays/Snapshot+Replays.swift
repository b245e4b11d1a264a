package import Lifecycle

extension Snapshot {
  /// An attempt of a letter's, whatever became of it.
  package func replay(of letter: UUID128, attempt: Int) throws(StoreError) -> Replay? {
    var run = try connection.prepare(Statements.one)
    run.bind(letter)
    run.bind(attempt)
    return try run.step() ? try ReplayRow.read(run) : nil
  }

  /// Every attempt of a letter's, in order.
  package func replays(of letter: UUID128) throws(StoreError) -> [Replay] {
    var run = try connection.prepare(Statements.all)
    run.bind(letter)
    var replays: [Replay] = []
    while try run.step() { replays.append(try ReplayRow.read(run)) }
    return replays
  }

  /// Why a letter may not be replayed now; `nil`: it may.
  ///
  /// - Parameter maxFailures: refuse one that has failed so often; `nil`: however often.
  package func replayRefusal(
    of letter: DeadLetter, maxFailures: Int?
  ) throws(StoreError) -> ReplayRequest.Refusal? {
    switch letter.state {
    case .open, .answered: break
    case .replaying, .resolved, .discarded: return .notOpen(letter.state)
    }
    guard letter.isReplayable else { return .bodyIncomplete }
    // What an edit made is a command, whatever its original was.
    let namesNone = letter.editedFrom == nil && (letter.code == .unknownCommand || letter.code == .foreign)
    guard !namesNone, CommandName(rawValue: letter.command) != nil else { return .noCommand }
    // It cannot have failed more often than it was tried.
    guard let maxFailures, letter.attempts >= maxFailures else { return nil }
    let failures = try replays(of: letter.id).count { $0.state == .failed }
    return failures >= maxFailures ? .failedTooOften(failures) : nil
  }

  /// An attempt of a letter's and, once it has ended, how, as the audit trail writes it: `applied`, `unchanged`,
  /// `already-applied`, `rejected: <code>` or `given up`.
  package func replayResult(
    of letter: UUID128, attempt: Int
  ) throws(StoreError) -> (replay: Replay, result: String?)? {
    var run = try connection.prepare(Statements.result)
    run.bind(letter)
    run.bind(attempt)
    return try run.step() ? (try ReplayRow.read(run), run.optionalText(7)) : nil
  }

  /// How many have been asked for and have not ended.
  package func runningReplayCount() throws(StoreError) -> Int {
    try publishedReplayCount() + count(Statements.asked)
  }

  /// How many are on their way through the queues.
  package func publishedReplayCount() throws(StoreError) -> Int { try count(Statements.published) }

  private func count(_ sql: SQLText) throws(StoreError) -> Int {
    var run = try connection.prepare(sql)
    return try run.step() ? Int(run.integer(0)) : 0
  }

  /// What is to be published next, in the order in which it was asked for; for each server only the first, so that they
  /// go one after the other. At most `limit`, and at most `maxBytes` of bodies, but at least one where there is one.
  package func replaysToPublish(limit: Int, maxBytes: Int) throws(StoreError) -> [(replay: Replay, letter: DeadLetter)]
  {
    var run = try connection.prepare(Statements.next)
    run.bind(limit)
    var found: [(Replay, DeadLetter)] = []
    var bytes = 0
    while bytes < maxBytes, try run.step() {
      let letter = try DeadLetterRow.read(run)
      bytes += letter.body.count + letter.properties.utf8.count + letter.headers.utf8.count
      found.append((try ReplayRow.read(run, from: DeadLetterRow.count), letter))
    }
    return found
  }
}

/// The columns of a replay, in the order in which they are read.
enum ReplayRow {
  static let columns = "r.letter_id, r.attempt, r.state, r.asked_by, r.reason, r.asked_at, r.ended_at"

  static func read(_ run: borrowing StatementRun, from first: Int32 = 0) throws(StoreError) -> Replay {
    Replay(
      letterID: try run.uuid(first), attempt: Int(run.integer(first + 1)), state: try run.name(first + 2),
      askedBy: run.text(first + 3), reason: run.optionalText(first + 4), askedAt: run.moment(first + 5),
      endedAt: run.optionalMoment(first + 6))
  }
}

private enum Statements {
  static let one = SQLText("SELECT \(ReplayRow.columns) FROM replays r WHERE letter_id = ? AND attempt = ?")
  static let all = SQLText("SELECT \(ReplayRow.columns) FROM replays r WHERE letter_id = ? ORDER BY attempt")
  static let result = SQLText(
    """
    SELECT \(ReplayRow.columns), (SELECT a.result FROM audit a
      WHERE a.letter_id = r.letter_id AND a.attempt = r.attempt AND a.action = 'replay' ORDER BY a.id DESC LIMIT 1)
    FROM replays r WHERE r.letter_id = ? AND r.attempt = ?
    """)
  static let asked = SQLText("SELECT count(*) FROM replays WHERE state = 'asked'")
  static let published = SQLText("SELECT count(*) FROM replays WHERE state = 'published'")
  static let next = SQLText(
    """
    SELECT \(DeadLetterRow.columns(of: "d")), \(ReplayRow.columns)
    FROM replays r INDEXED BY replays_asked JOIN dead_letters d ON d.id = r.letter_id
    WHERE r.state = 'asked' AND (r.server_id IS NULL OR NOT EXISTS (
      SELECT 1 FROM replays e
      WHERE e.server_id = r.server_id AND e.id < r.id AND e.state IN ('asked', 'published')))
    ORDER BY r.id LIMIT ?
    """)
}
