import AMQP
import Lifecycle

/// The header `x-death` in words (RabbitMQ, "Dead Letter Exchanges").
enum DeathText {
  private static let maxEntries = 50

  /// - Parameter commandsPrefix: of the names of our queues; what is said of others the sender may have written.
  static func lines(_ headers: FieldTable, commandsPrefix: String) -> [String] {
    guard case .array(let deaths)? = headers["x-death"] else { return [] }
    return deaths.prefix(maxEntries).compactMap { death in
      guard case .table(let table) = death else { return nil }
      return PlainText.clean(line(table, commandsPrefix: commandsPrefix))
    }
  }

  private static func line(_ table: FieldTable, commandsPrefix: String) -> String {
    let queue = table["queue"]?.text ?? "?"
    let count = table["count"]?.integer ?? 1
    var text = "\(reason(table["reason"]?.text)) in queue \(queue)" + (count > 1 ? ", \(count) times" : "")
    if let seconds = table["time"]?.integer, (0..<253_402_300_800).contains(seconds) {
      text += ", first at \(Timestamp(milliseconds: seconds * 1000))"
    }
    if let exchange = table["exchange"]?.text {
      text += "; it came by " + (exchange.isEmpty ? "the default exchange" : "exchange \(exchange)")
    }
    if case .array(let keys)? = table["routing-keys"] {
      let names = keys.compactMap(\.text)
      if !names.isEmpty { text += " with routing key \(names.joined(separator: ", "))" }
    }
    if let expiration = table["original-expiration"]?.text { text += "; its time to live was \(expiration) ms" }
    return queue.hasPrefix(commandsPrefix) ? text : text + " (not one of our queues: the sender may have written this)"
  }

  private static func reason(_ reason: String?) -> String {
    switch reason {
    case "expired": "outlived its time to live"
    case "rejected": "was rejected by a consumer"
    case "maxlen": "was pushed out of the full queue"
    case "delivery_limit": "was given back more often than the delivery limit allows"
    case let other?: "was removed (\(other))"
    case nil: "was removed"
    }
  }
}
