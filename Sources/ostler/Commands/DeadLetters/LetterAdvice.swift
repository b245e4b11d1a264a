import Lifecycle

/// What to do about a dead letter, by its code.
enum LetterAdvice {
  enum Kind {
    /// The world has to change, not the message.
    case replay
    /// The message itself can never be applied as it is.
    case edit
  }

  static func kind(_ code: RejectionCode) -> Kind {
    code == .unknownCommand || code == .foreign || code.retry == .never ? .edit : .replay
  }

  static func text(_ code: RejectionCode) -> String {
    switch code {
    case .malformedJSON, .invalidField, .unknownField, .tooLarge, .unsupportedContent, .missingOperationUUID:
      "the message itself is wrong: have its sender mended; 'edit' repairs single letters, 'discard' closes the rest"
    case .misrouted:
      "it came by another exchange, key or type than its queue's command: mend the sender, then 'edit'"
    case .unknownCommand: "no command has that name: 'edit --command NAME' makes it one"
    case .unauthenticated: "it came without a principal: give the sender a key or a user-id, then replay"
    case .forbidden: "its principal lacks the scope for it: grant it in the settings, then replay"
    case .operationConflict:
      "its operationUuid was used for something else: if both are wanted, 'edit' gives it one of its own"
    case .expired: "it came too late to be wanted: 'discard' it; if it is still wanted, 'edit --unset notAfter'"
    case .unknownServer: "enroll the server ('ostler send enroll', 'ostler import servers'), then replay"
    case .serverAllocated: "a client has the server: deallocate it first, then replay"
    case .serverQuarantined: "the server is frozen: end the investigation ('ostler send unquarantine'), then replay"
    case .heldByOtherCase: "another case holds the server: release that one first, then replay"
    case .serverInService: "the server is in use: isolate or deallocate it first, then replay"
    case .notInBaseline:
      "the server is not in Back to Baseline: look at it ('ostler server ID'), then replay or discard"
    case .serverExists: "the server is enrolled already: compare ('ostler server ID'), then 'discard'"
    case .clientMismatch: "that client does not have the server: find out who is wrong, then 'edit' or 'discard'"
    case .unknownAllocation: "the server has no such allocation: 'edit' its allocationId, or 'discard'"
    case .alreadyDeallocated: "the allocation ended, and is billable: settle that with billing, then 'discard'"
    case .staleBaseline: "it is of an earlier run of Back to Baseline: 'discard'"
    case .staleVersion: "the server has changed since: look at it, then 'discard', or 'edit' its ifVersion"
    case .serverDecommissioned: "the server is out for good: 'discard', or enroll it again first and 'edit'"
    case .quotaExceeded: "raise the limit ('ostler send set-quota', see 'ostler quotas'), then replay"
    case .quotaNotConfigured: "set a quota for that client, location and type ('ostler send set-quota'), then replay"
    case .contractUnknown: "set the commit row of that contract ('ostler send set-quota --contract'), then replay"
    case .noCapacity: "no server of that type is available there: bring some in, then replay"
    case .deliveryLimit: "something took it over and over without an answer: find out what, then replay"
    case .brokerRejected: "somebody else rejected it, or the broker removed it: find out who, then replay"
    case .workerCrash: "it ended the worker three times: report it with 'export', replay it only with a fixed release"
    case .foreign: "it was put here by somebody else: 'edit --command NAME' makes it a command, or 'discard'"
    }
  }
}
