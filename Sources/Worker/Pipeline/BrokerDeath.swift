import AMQP
import Lifecycle

/// What the broker says of a message that it dead-lettered (RabbitMQ, "Dead Letter Exchanges": the `x-death` header).
///
/// The header may have been written by the client: only entries that name our queues count.
struct BrokerDeath {
  let code: RejectionCode
  /// The command whose queue it died in or was meant for; `nil` where it names none of ours.
  let command: CommandName?
  /// The command as the message named it, for the letter; `unknown` where it named none.
  let originalCommand: String
  let message: String
  let details: [Detail.Field]

  init(_ delivery: Delivery, topology: Topology) {
    let prefix = topology.commandsExchange + "."
    let entry = Self.entries(of: delivery.properties.headers).lazy.compactMap { entry in
      guard entry.queue.hasPrefix(prefix), let name = CommandName(rawValue: String(entry.queue.dropFirst(prefix.count)))
      else { return nil as (Entry, CommandName)? }
      return (entry, name)
    }.first
    if let (entry, name) = entry {
      command = name
      originalCommand = name.rawValue
      (code, message) = Self.explain(entry)
      details = [
        .init("queue", .text(entry.queue)), .init("reason", .text(entry.reason)),
        .init("deaths", .integer(entry.count)),
      ]
    } else if delivery.exchange == topology.commandsExchange, let name = CommandName(rawValue: delivery.routingKey) {
      command = name
      originalCommand = name.rawValue
      code = .brokerRejected
      let queue = topology.commandQueue(name)
      message =
        "the message could not be routed to queue \(queue); see that the queue is there and is bound to exchange "
        + "\(topology.commandsExchange) ('ostler topology' declares both), then replay it"
      details = [.init("queue", .text(queue)), .init("routingKey", .text(delivery.routingKey))]
    } else if delivery.exchange == topology.commandsExchange {
      command = nil
      originalCommand = delivery.routingKey
      code = .unknownCommand
      message =
        "no command is called \"\(delivery.routingKey.prefix(100))\"; the routing key must be one of "
        + CommandName.allCases.map(\.rawValue).joined(separator: ", ")
      details = [
        .init("routingKey", .text(delivery.routingKey)),
        .init("allowed", .list(CommandName.allCases.map { .text($0.rawValue) })),
      ]
    } else {
      command = nil
      originalCommand = "unknown"
      code = .foreign
      message =
        "this message did not come through \(topology.commandsExchange); somebody put it into the dead letters: "
        + "look at its exchange, routing key and headers"
      details = [.init("exchange", .text(delivery.exchange)), .init("routingKey", .text(delivery.routingKey))]
    }
  }

  var rejection: Rejection { Rejection(code, message, details: details) }

  /// Why a replay did not arrive. Its letter may be replayed once more.
  var rejectionOfReplay: Rejection { Rejection(code, "the replay did not arrive: " + message, details: details) }

  private struct Entry {
    let queue: String
    let reason: String
    let count: Int64
  }

  private static func explain(_ entry: Entry) -> (RejectionCode, String) {
    switch entry.reason {
    case "expired":
      (.expired, "the message outlived its time-to-live in queue \(entry.queue)")
    case "delivery_limit":
      (
        .deliveryLimit,
        "queue \(entry.queue) gave the message back more often than its delivery limit allows; "
          + "find out what took it and never acknowledged it, then replay it"
      )
    case "rejected":
      (.brokerRejected, "a consumer other than Ostler rejected the message in queue \(entry.queue)")
    default:
      (.brokerRejected, "the broker removed the message from queue \(entry.queue) (\(entry.reason.prefix(40)))")
    }
  }

  private static func entries(of headers: FieldTable?) -> [Entry] {
    guard case .array(let deaths)? = headers?["x-death"] else { return [] }
    return deaths.compactMap { death in
      guard case .table(let table) = death, case .string(let queue)? = table["queue"],
        case .string(let reason)? = table["reason"]
      else { return nil }
      let count: Int64 = if case .int64(let value)? = table["count"] { value } else { 1 }
      return Entry(
        queue: String(decoding: queue, as: UTF8.self), reason: String(decoding: reason, as: UTF8.self), count: count)
    }
  }
}
