import AMQP
import Lifecycle
import Store

/// What can be read of a message that the broker dead-lettered: it was never decided, and may be no command at all.
struct LetterSalvage {
  var serverID: ServerID?
  var clientID: ClientID?
  var operation: String?
  var key: OperationKey?
  var attempt: Int?
  /// A copy of it was applied, or changed nothing, before: there is nothing left to replay.
  var wasApplied = false

  init(
    of delivery: Delivery, command: CommandName?, rules: BatchRules, transaction: Transaction
  ) throws(StoreError) {
    guard let command else { return }
    var envelope = rules.intake.envelope(of: delivery, command: command)
    // It came through the dead-letter exchange, which says nothing of how it was sent.
    envelope.exchange = rules.topology.commandsExchange
    envelope.routingKey = command.rawValue
    switch CommandDecoder.decode(envelope) {
    case .failure(let refusal):
      serverID = refusal.serverID
      clientID = refusal.clientID
      operation = refusal.operation
    case .success(let message):
      serverID = message.command.serverID
      clientID = message.command.clientID
      key = message.key
      operation = message.key?.id.description
      attempt = message.attempt
      guard let key = message.key else { return }
      let decided = try transaction.attempts(of: key).map(\.decided)
      if case .duplicate(let before) = key.verdict(
        attempt: message.attempt, fingerprint: message.fingerprint, decided: decided)
      {
        wasApplied = before.outcome != .rejected
      }
    }
  }
}
