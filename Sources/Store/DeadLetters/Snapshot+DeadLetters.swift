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

  /// Letters after `cursor`, oldest first: at most `limit`, and at most `maxBytes` of bodies, properties and headers,
  /// but at least one where there is one.
  package func letters(
    matching filter: DeadLetterFilter = DeadLetterFilter(), after cursor: DeadLetterCursor? = nil, limit: Int,
    maxBytes: Int = 4 << 20
  ) throws(StoreError) -> DeadLetterPage {
    var run = try connection.prepare(Statements.list)
    run.bind(cursor?.number ?? 0)
    for state in DeadLetterState.allCases { run.bind(filter.states?.contains(state) ?? true ? state : nil) }
    run.bind(filter.code)
    run.bind(filter.command)
    run.bind(filter.server)
    run.bind(filter.client)
    run.bind(filter.operation)
    run.bind(filter.actor)
    run.bind(filter.receivedBefore)
    run.bind(filter.text.map(Self.pattern))
    run.bind(limit)
    var page = DeadLetterPage(letters: [], next: nil)
    var bytes = 0
    while try run.step() {
      let letter = try DeadLetterRow.read(run)
      page.letters.append(letter)
      bytes += letter.body.count + letter.properties.utf8.count + letter.headers.utf8.count
      if page.letters.count == limit || bytes >= maxBytes {
        page.next = DeadLetterCursor(number: run.integer(25))
        break
      }
    }
    return page
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

  /// For LIKE with `\` as the escape: the text itself anywhere.
  private static func pattern(for text: String) -> String {
    var pattern = "%"
    for character in text.unicodeScalars {
      if character == "%" || character == "_" || character == "\\" { pattern.unicodeScalars.append("\\") }
      pattern.unicodeScalars.append(character)
    }
    return pattern + "%"
  }
}

private enum Statements {
  static let letter = SQLText("SELECT \(DeadLetterRow.columns) FROM dead_letters WHERE id = ?")
  static let open = SQLText(
    """
    SELECT \(DeadLetterRow.columns) FROM dead_letters
    WHERE same_message = ? AND state IN ('open', 'answered', 'replaying')
    """)
  static let list = SQLText(
    """
    SELECT \(DeadLetterRow.columns), number FROM dead_letters
    WHERE number > ?1 AND state IN (?2, ?3, ?4, ?5, ?6) AND (?7 IS NULL OR code = ?7)
      AND (?8 IS NULL OR command = ?8) AND (?9 IS NULL OR server_id = ?9) AND (?10 IS NULL OR client_id = ?10)
      AND (?11 IS NULL OR operation = ?11) AND (?12 IS NULL OR actor = ?12) AND (?13 IS NULL OR received_at < ?13)
      AND (?14 IS NULL OR message LIKE ?14 ESCAPE '\\' OR details LIKE ?14 ESCAPE '\\'
        OR properties LIKE ?14 ESCAPE '\\' OR headers LIKE ?14 ESCAPE '\\' OR CAST(body AS TEXT) LIKE ?14 ESCAPE '\\')
    ORDER BY number LIMIT ?15
    """)
  static let counts = SQLText("SELECT state, count(*) FROM dead_letters GROUP BY state")
  static let oldest = SQLText(
    "SELECT received_at FROM dead_letters WHERE state = 'open' ORDER BY received_at LIMIT 1")
}
