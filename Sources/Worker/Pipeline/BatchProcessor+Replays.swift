import AMQP
import Lifecycle
package import Store

/// The replay that a command came with, and on whose behalf it is decided.
package struct Replayed: Hashable, Sendable {
  package let replay: Replay
  /// The principal of the original.
  package let actor: String?
}

// Contract section 7: the attempt that is running counts; a copy of one that is over is acked and changes nothing;
// anything else that claims to be a replay is forbidden.
extension BatchProcessor {
  enum Examination {
    case original
    case runs(Replayed)
    case over
    case forged(Rejection)
  }

  func examine(_ delivery: Delivery) throws(StoreError) -> Examination {
    switch ReplayClaim(delivery) {
    case .none: return .original
    case .malformed: return .forged(.forgedReplay("is not one that Ostler writes"))
    case .ticket(let ticket):
      guard let letter = try transaction.letter(ticket.letterID),
        let replay = try transaction.replay(of: letter.id, attempt: ticket.attempt)
      else { return .forged(.forgedReplay("names no replay that was begun")) }
      guard replay.isRunning else { return .over }
      guard isSame(delivery, letter) else { return .forged(.forgedReplay("came with other bytes than the letter's")) }
      return .runs(Replayed(replay: replay, actor: letter.actor))
    }
  }

  private func isSame(_ delivery: Delivery, _ letter: DeadLetter) -> Bool {
    guard case .whole(let bytes) = delivery.body else { return false }
    return bytes == letter.body && letter.isReplayable
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
