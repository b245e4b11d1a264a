package import Lifecycle

extension Snapshot {
  package func letter(_ id: UUID128) throws(StoreError) -> DeadLetter? {
    var run = try connection.prepare(Statements.letter)
    run.bind(id)
    return try run.step() ? try DeadLetterRow.read(run) : nil
  }

  /// The letter of that very message which is not yet resolved or discarded; there is at most one.
  ///
  /// - Parameter sameMessage: 32 bytes, as in ``DeadLetter/sameMessage``.
  package func openLetter(sameMessage: [UInt8]) throws(StoreError) -> DeadLetter? {
    var run = try connection.prepare(Statements.open)
    run.bind(sameMessage)
    return try run.step() ? try DeadLetterRow.read(run) : nil
  }

  /// The messages whose letters have this code and are not yet resolved or discarded, newest first.
  ///
  /// - Returns: 32 bytes each, as in ``DeadLetter/sameMessage``.
  package func openMessages(withCode code: RejectionCode, limit: Int) throws(StoreError) -> [[UInt8]] {
    var run = try connection.prepare(Statements.openMessages)
    run.bind(code)
    run.bind(limit)
    var messages: [[UInt8]] = []
    while try run.step() { messages.append(run.bytes(0)) }
    return messages
  }

  /// Letters after `cursor`, oldest first: at most `limit`, and at most `maxBytes` of bodies, properties and headers,
  /// but at least one where there is one.
  package func letters(
    matching filter: DeadLetterFilter = DeadLetterFilter(), after cursor: DeadLetterCursor? = nil, limit: Int,
    maxBytes: Int = 4 << 20
  ) throws(StoreError) -> DeadLetterPage {
    var run = try connection.prepare(Statements.list)
    run.bind(cursor?.number ?? 0)
    filter.bind(to: &run)
    run.bind(limit)
    var page = DeadLetterPage(letters: [], next: nil)
    var bytes = 0
    while try run.step() {
      let letter = try DeadLetterRow.read(run)
      page.letters.append(letter)
      bytes += letter.body.count + letter.properties.utf8.count + letter.headers.utf8.count
      if page.letters.count == limit || bytes >= maxBytes {
        page.next = DeadLetterCursor(number: run.integer(DeadLetterRow.count))
        break
      }
    }
    return page
  }

  /// Where a page that is to go on after this letter begins; `nil` where there is no such letter.
  package func cursor(after letter: UUID128) throws(StoreError) -> DeadLetterCursor? {
    var run = try connection.prepare(Statements.number)
    run.bind(letter)
    return try run.step() ? DeadLetterCursor(number: run.integer(0)) : nil
  }

  /// How many letters there are in each state, zero included.
  package func letterCounts() throws(StoreError) -> [DeadLetterState: Int] {
    var counts = Dictionary(uniqueKeysWithValues: DeadLetterState.allCases.map { ($0, 0) })
    var run = try connection.prepare(Statements.counts)
    while try run.step() { counts[try run.name(0)] = Int(run.integer(1)) }
    return counts
  }

  /// When the letter came that has been open for longest.
  package func oldestOpenLetterAt() throws(StoreError) -> Timestamp? {
    var run = try connection.prepare(Statements.oldest)
    return try run.step() ? run.moment(0) : nil
  }
}

private enum Statements {
  static let openMessages = SQLText(
    """
    SELECT same_message FROM dead_letters WHERE code = ? AND state IN ('open', 'answered', 'replaying')
    ORDER BY number DESC LIMIT ?
    """)
  static let letter = SQLText("SELECT \(DeadLetterRow.columns) FROM dead_letters WHERE id = ?")
  static let open = SQLText(
    """
    SELECT \(DeadLetterRow.columns) FROM dead_letters
    WHERE same_message = ? AND state IN ('open', 'answered', 'replaying')
    """)
  static let list = SQLText(
    """
    SELECT \(DeadLetterRow.columns), number FROM dead_letters
    WHERE \(DeadLetterFilter.condition)
    ORDER BY number LIMIT ?16
    """)
  static let number = SQLText("SELECT number FROM dead_letters WHERE id = ?")
  static let counts = SQLText("SELECT state, count(*) FROM dead_letters GROUP BY state")
  static let oldest = SQLText(
    "SELECT received_at FROM dead_letters WHERE state = 'open' ORDER BY received_at LIMIT 1")
}
