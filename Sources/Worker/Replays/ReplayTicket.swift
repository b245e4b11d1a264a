package import AMQP
package import Lifecycle

/// What a replayed message carries in its header `x-ostler-replay`: the letter's id, `/`, the attempt.
package struct ReplayTicket: Hashable, Sendable, CustomStringConvertible {
  package static let header = "x-ostler-replay"

  package let letterID: UUID128
  /// 1 for the first replay of that letter.
  package let attempt: Int

  package init(letterID: UUID128, attempt: Int) {
    self.letterID = letterID
    self.attempt = attempt
  }

  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let id = UUID128(parts[0]), let attempt = Int(parts[1]), attempt >= 1 else { return nil }
    self.init(letterID: id, attempt: attempt)
  }

  package var description: String { "\(letterID)/\(attempt)" }
}

/// Whether a delivery says that it is a replay.
package enum ReplayClaim: Hashable, Sendable {
  case none
  case ticket(ReplayTicket)
  /// The header is there, and is none that a worker writes.
  case malformed

  package init(_ delivery: Delivery) {
    guard let value = delivery.properties.headers?[ReplayTicket.header] else {
      self = .none
      return
    }
    guard case .string(let bytes) = value, let text = String(validating: bytes, as: UTF8.self),
      let ticket = ReplayTicket(text)
    else {
      self = .malformed
      return
    }
    self = .ticket(ticket)
  }
}
