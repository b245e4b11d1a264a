import Lifecycle

/// One way to meet one cell of the state table, and what the contract says to it.
struct CellCase: Sendable, CustomStringConvertible {
  enum Expected: Hashable, Sendable {
    case applied(Transition)
    case unchanged
    case rejected(RejectionCode)
    case waits(RejectionCode)
  }

  let variant: String
  let command: ServerCommand
  let server: Server?
  let past: [Past]
  let commitRows: Set<QuotaKey>
  let expected: Expected

  init(
    _ variant: String, _ command: ServerCommand, on server: Server?, past: [Past] = [],
    commitRows: Set<QuotaKey> = [], _ expected: Expected
  ) {
    self.variant = variant
    self.command = command
    self.server = server
    self.past = past
    self.commitRows = commitRows
    self.expected = expected
  }

  /// A case that changes the server's state and, at most, its allocation.
  static func applied(
    _ variant: String, _ command: ServerCommand, on server: Server, _ event: ServerEvent, to state: ServerState,
    allocation: AllocationChange = .none, reason: String? = nil
  ) -> CellCase {
    CellCase(
      variant, command, on: server,
      .applied(
        Transition(server: Fixture.after(server, state, reason: reason), event: event, allocation: allocation)))
  }

  var cell: ContractTable.Cell { .init(command: command.name, state: server?.state.name) }
  var description: String { "\(cell): \(variant)" }

  func decide(ifVersion: Int64? = nil) -> Decision {
    Lifecycle.decide(
      command, for: Fixture.serverID, on: server, ifVersion: ifVersion,
      facts: answer(Question(before: command, on: server), on: server, past: past, commitRows: commitRows))
  }
}

extension CellCase.Expected {
  /// What was decided, as far as the state table says anything about it.
  init(_ decision: Decision) {
    self =
      switch decision {
      case .apply(let transition): .applied(transition)
      case .unchanged: .unchanged
      case .reject(let rejection): .rejected(rejection.code)
      case .wait(let rejection, for: _): .waits(rejection.code)
      }
  }
}

extension Decision {
  var rejection: Rejection? {
    switch self {
    case .reject(let rejection), .wait(let rejection, for: _): rejection
    case .apply, .unchanged: nil
    }
  }

  var transition: Transition? {
    switch self {
    case .apply(let transition): transition
    case .unchanged, .reject, .wait: nil
    }
  }
}

extension Rejection {
  subscript(field: String) -> Detail? { details.first { $0.name == field }?.value }
}
