package import Lifecycle

/// Which dead letters to list; what is `nil` does not matter.
package struct DeadLetterFilter: Hashable, Sendable {
  /// Any of these; `nil`: all.
  package var states: Set<DeadLetterState>?
  package var code: RejectionCode?
  package var command: String?
  package var server: ServerID?
  package var client: ClientID?
  package var operation: String?
  package var actor: String?
  package var receivedBefore: Timestamp?
  /// Somewhere in message, details, properties, headers or body; letters of ASCII match in either case, in a body only
  /// before its first NUL.
  package var text: String?

  package init(
    states: Set<DeadLetterState>? = nil, code: RejectionCode? = nil, command: String? = nil, server: ServerID? = nil,
    client: ClientID? = nil, operation: String? = nil, actor: String? = nil, receivedBefore: Timestamp? = nil,
    text: String? = nil
  ) {
    self.states = states
    self.code = code
    self.command = command
    self.server = server
    self.client = client
    self.operation = operation
    self.actor = actor
    self.receivedBefore = receivedBefore
    self.text = text
  }
}

extension DeadLetterFilter {
  /// What a row must be, with ``bind(to:)`` filling the parameters from the second on. The first is a number that the
  /// row's is above.
  static let condition = """
    number > ?1 AND state IN (?2, ?3, ?4, ?5, ?6) AND (?7 IS NULL OR code = ?7)
      AND (?8 IS NULL OR command = ?8) AND (?9 IS NULL OR server_id = ?9) AND (?10 IS NULL OR client_id = ?10)
      AND (?11 IS NULL OR operation = ?11) AND (?12 IS NULL OR actor = ?12) AND (?13 IS NULL OR received_at < ?13)
      AND (?14 IS NULL OR message LIKE ?14 ESCAPE '\\' OR details LIKE ?14 ESCAPE '\\'
        OR properties LIKE ?14 ESCAPE '\\' OR headers LIKE ?14 ESCAPE '\\' OR CAST(body AS TEXT) LIKE ?14 ESCAPE '\\'
        -- A text ends at its first NUL, a body does not.
        OR instr(body, CAST(?15 AS BLOB)) > 0)
    """

  func bind(to run: inout StatementRun) {
    for state in DeadLetterState.allCases { run.bind(states?.contains(state) ?? true ? state : nil) }
    run.bind(code)
    run.bind(command)
    run.bind(server)
    run.bind(client)
    run.bind(operation)
    run.bind(actor)
    run.bind(receivedBefore)
    run.bind(text.map(Self.pattern))
    run.bind(text)
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

/// Where a page of dead letters ended.
package struct DeadLetterCursor: Hashable, Sendable {
  let number: Int64
}

package struct DeadLetterPage: Hashable, Sendable {
  package var letters: [DeadLetter]
  /// Where the next page begins; `nil` at the end.
  package var next: DeadLetterCursor?
}
