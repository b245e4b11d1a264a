package import AMQP

/// One thing on the broker that Ostler uses.
package enum TopologyObject: Hashable, Sendable, CustomStringConvertible {
  /// A durable topic exchange.
  case exchange(name: String, arguments: FieldTable)
  /// A durable queue.
  case queue(name: String, arguments: FieldTable)
  case binding(queue: String, exchange: String, routingKey: String)

  package var description: String {
    switch self {
    case .exchange(let name, _): "exchange \(name)"
    case .queue(let name, _): "queue \(name)"
    case .binding(let queue, let exchange, let routingKey): "binding \(exchange) -> \(queue) (\(routingKey))"
    }
  }

  package var arguments: FieldTable {
    switch self {
    case .exchange(_, let arguments), .queue(_, let arguments): arguments
    case .binding: [:]
    }
  }
}
