import AMQP
import Lifecycle
import Store

/// The message that replays a letter: the original, without what would send it elsewhere, expire it, or claim somebody
/// else's name (contract section 7).
enum ReplayMessage {
  /// Headers that the broker acts on or has added. They name no operation of the sender's.
  private static let dropped: Set<String> = [
    "CC", "BCC", "x-death", "x-delivery-count", "x-acquired-count", "x-first-death-exchange",
    "x-first-death-queue", "x-first-death-reason", "x-last-death-exchange", "x-last-death-queue",
    "x-last-death-reason", ReplayTicket.header,
  ]

  /// - Throws: ``JSONFault`` where what is stored cannot be read.
  static func make(_ replay: Replay, of letter: DeadLetter, exchange: String) throws(JSONFault) -> OutboundMessage {
    var properties = try TypedProperties.decode(
      .init(properties: Array(letter.properties.utf8), headers: Array(letter.headers.utf8)))
    properties.userID = nil
    properties.expiration = nil
    properties.replyTo = nil
    properties.deliveryMode = 2
    let ticket = ReplayTicket(letterID: letter.id, attempt: replay.attempt)
    let kept = (properties.headers?.entries ?? []).filter { !dropped.contains($0.key) }
    properties.headers = FieldTable(
      kept + [.init(key: ReplayTicket.header, value: .string(Array(ticket.description.utf8)))])
    return OutboundMessage(
      exchange: exchange, routingKey: letter.command, mandatory: true, properties: properties, body: letter.body)
  }
}
