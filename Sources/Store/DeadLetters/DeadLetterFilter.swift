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
  /// Somewhere in message, details, properties, headers or body; letters of ASCII match in either case.
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

/// Where a page of dead letters ended.
package struct DeadLetterCursor: Hashable, Sendable {
  let number: Int64
}

package struct DeadLetterPage: Hashable, Sendable {
  package var letters: [DeadLetter]
  /// Where the next page begins; `nil` at the end.
  package var next: DeadLetterCursor?
}
