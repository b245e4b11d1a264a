package import Lifecycle

/// A command as its message asked for it.
package struct CommandMessage: Hashable, Sendable {
  package let command: Command
  /// `nil`: the message carried neither `operationUuid` nor a message-id.
  package let key: OperationKey?
  /// 1...1000.
  package let attempt: Int
  /// Not to be applied later than this.
  package let notAfter: Timestamp?
  /// The version that the server must be at.
  package let ifVersion: Int64?
  package let fingerprint: Fingerprint

  package init(
    command: Command, key: OperationKey?, attempt: Int = 1, notAfter: Timestamp? = nil, ifVersion: Int64? = nil,
    fingerprint: Fingerprint
  ) {
    self.command = command
    self.key = key
    self.attempt = attempt
    self.notAfter = notAfter
    self.ifVersion = ifVersion
    self.fingerprint = fingerprint
  }
}

/// A message that is no command, with what could still be read of it for the dead letter.
package struct Refusal: Error, Hashable, Sendable {
  package let rejection: Rejection
  package let serverID: ServerID?
  package let clientID: ClientID?
  /// What the sender calls its operation, as ``OperationID`` writes it.
  package let operation: String?

  package init(rejection: Rejection, serverID: ServerID? = nil, clientID: ClientID? = nil, operation: String? = nil) {
    self.rejection = rejection
    self.serverID = serverID
    self.clientID = clientID
    self.operation = operation
  }
}
