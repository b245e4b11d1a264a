/// Why a command was not applied: the codes of the contract.
package enum RejectionCode: String, CaseIterable, Hashable, Sendable {
  case malformedJSON = "malformed-json"
  case invalidField = "invalid-field"
  case unknownField = "unknown-field"
  case tooLarge = "too-large"
  case unsupportedContent = "unsupported-content"
  case missingOperationUUID = "missing-operation-uuid"
  case misrouted
  case unknownCommand = "unknown-command"
  case unauthenticated
  case forbidden
  case operationConflict = "operation-conflict"
  case expired
  case unknownServer = "unknown-server"
  case serverAllocated = "server-allocated"
  case serverQuarantined = "server-quarantined"
  case heldByOtherCase = "held-by-other-case"
  case serverInService = "server-in-service"
  case notInBaseline = "not-in-baseline"
  case serverExists = "server-exists"
  case clientMismatch = "client-mismatch"
  case unknownAllocation = "unknown-allocation"
  case alreadyDeallocated = "already-deallocated"
  case staleBaseline = "stale-baseline"
  case staleVersion = "stale-version"
  case serverDecommissioned = "server-decommissioned"
  case quotaExceeded = "quota-exceeded"
  case quotaNotConfigured = "quota-not-configured"
  case contractUnknown = "contract-unknown"
  case noCapacity = "no-capacity"
  case deliveryLimit = "delivery-limit"
  case brokerRejected = "broker-rejected"
  case workerCrash = "worker-crash"
  case foreign

  /// Whether sending the same again can help.
  package var retry: Retry {
    switch self {
    case .malformedJSON, .invalidField, .unknownField, .tooLarge, .unsupportedContent, .missingOperationUUID,
      .misrouted, .unknownCommand, .operationConflict, .expired, .serverExists, .clientMismatch, .unknownAllocation,
      .alreadyDeallocated, .staleBaseline, .staleVersion, .serverDecommissioned:
      .never
    case .unauthenticated, .forbidden, .unknownServer, .serverAllocated, .serverQuarantined, .heldByOtherCase,
      .serverInService, .notInBaseline, .deliveryLimit, .brokerRejected, .workerCrash, .foreign:
      .afterChange
    case .quotaExceeded, .quotaNotConfigured, .contractUnknown, .noCapacity: .later
    }
  }
}

package enum Retry: String, CaseIterable, Hashable, Sendable {
  case never
  case afterChange = "after-change"
  case later
}

/// A refusal: a code for programs, a message for people, and details for both.
package struct Rejection: Error, Hashable, Sendable {
  package let code: RejectionCode
  package let message: String
  package let details: [Detail.Field]

  package init(_ code: RejectionCode, _ message: String, details: [Detail.Field] = []) {
    self.code = code
    self.message = message
    self.details = details
  }
}
