import AMQP
import Lifecycle
package import Store

/// The replay that a command came with, and on whose behalf it is decided.
package struct Replayed: Hashable, Sendable {
  package let replay: Replay
  /// The principal of the original.
  package let actor: String?
  /// What the letter knows of its command.
  let command: CommandName?
  let operation: String?
  let serverID: ServerID?
  let clientID: ClientID?

  init(_ replay: Replay, of letter: DeadLetter) {
    self.replay = replay
    actor = letter.actor
    command = CommandName(rawValue: letter.command)
    operation = letter.operation
    serverID = letter.serverID
    clientID = letter.clientID
  }

  /// For an event about a replay whose message nobody has read.
  var facts: OperationFacts {
    OperationFacts(command: command, operation: operation, actor: actor, replayedBy: replay.askedBy)
  }
}

// Contract section 7: the attempt that is running counts; a copy of one that is over is acked and changes nothing;
// anything else that claims to be a replay is forbidden. The ids of letters are no secret, so whoever may publish can claim
// to be a replay that is running: what counts of it is compared with the letter.
extension BatchProcessor {
  enum Examination {
    case original
    case runs(Replayed)
    case over
    case forged(Rejection)
  }

  /// - Parameter command: whose queue it came from, or died in.
  func examine(_ delivery: Delivery, as command: CommandName?) throws(StoreError) -> Examination {
    switch ReplayClaim(delivery) {
    case .none: return .original
    case .malformed: return .forged(.forgedReplay("is not one that Ostler writes"))
    case .ticket(let ticket):
      guard let letter = try transaction.letter(ticket.letterID),
        let replay = try transaction.replay(of: letter.id, attempt: ticket.attempt)
      else { return .forged(.forgedReplay("names no replay that was begun")) }
      guard replay.isRunning else { return .over }
      guard let command, letter.command == command.rawValue else {
        return .forged(.forgedReplay("came as another command than the letter's"))
      }
      guard isSame(delivery, letter) else {
        return .forged(.forgedReplay("came with another body, or other properties, than the letter's"))
      }
      return .runs(Replayed(replay, of: letter))
    }
  }

  /// The body, and the properties that a decision depends on.
  private func isSame(_ delivery: Delivery, _ letter: DeadLetter) -> Bool {
    guard case .whole(let bytes) = delivery.body, bytes == letter.body, letter.isReplayable,
      let kept = try? TypedProperties.decode(.init(properties: Array(letter.properties.utf8), headers: nil))
    else { return false }
    let came = delivery.properties
    return came.messageID == kept.messageID && came.type == kept.type && came.contentType == kept.contentType
      && came.contentEncoding == kept.contentEncoding
  }
}

extension Refusal {
  init(rejection: Rejection, of task: CommandTask) {
    self.init(
      rejection: rejection, serverID: task.message.command.serverID, clientID: task.message.command.clientID,
      operation: task.operation)
  }

  init(rejection: Rejection, of other: Refusal) {
    self.init(
      rejection: rejection, serverID: other.serverID, clientID: other.clientID, operation: other.operation)
  }
}

extension Rejection {
  static func forgedReplay(_ what: String) -> Rejection {
    Rejection(
      .forbidden,
      "the header \(ReplayTicket.header) \(what); only a worker writes it: publish the command without that header",
      details: [.init("header", .text(ReplayTicket.header))])
  }
}
