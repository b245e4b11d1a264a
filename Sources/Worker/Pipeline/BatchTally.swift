package import Lifecycle

/// What a batch did, for the metrics; counted only when its transaction is durable.
package struct BatchTally: Hashable, Sendable {
  package struct Decided: Hashable, Sendable {
    package let command: CommandName
    package let outcome: Outcome

    package init(command: CommandName, outcome: Outcome) {
      self.command = command
      self.outcome = outcome
    }
  }
  package private(set) var decided: [Decided: Int] = [:]
  package private(set) var duplicates: [CommandName: Int] = [:]
  package private(set) var rejections: [RejectionCode: Int] = [:]
  package var takenIn = 0

  package init() {}

  package mutating func rejected(_ command: CommandName, _ code: RejectionCode) {
    decided[Decided(command: command, outcome: .rejected), default: 0] += 1
    rejections[code, default: 0] += 1
  }

  mutating func count(_ settlement: Settlement, of command: CommandName) {
    switch settlement {
    case .duplicate, .lostDuplicate: duplicates[command, default: 0] += 1
    case .changed, .quotaSet, .snapshot: decided[Decided(command: command, outcome: .applied), default: 0] += 1
    case .unchanged: decided[Decided(command: command, outcome: .unchanged), default: 0] += 1
    case .alreadyApplied, .over: duplicates[command, default: 0] += 1
    case .rejected(let rejection, _): rejected(command, rejection.code)
    }
  }
}
