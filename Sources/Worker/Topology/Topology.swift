import AMQP
package import Lifecycle

/// The exchanges, queues and bindings of one namespace, as data (section 1 of the contract).
package struct Topology: Hashable, Sendable {
  package let namespace: Namespace
  /// How long the events log keeps what it has; `nil`: there is no events log.
  package let eventsLogMaxAge: Duration?

  /// `eventsLogMaxAge` in whole seconds.
  package init(namespace: Namespace, eventsLogMaxAge: Duration?) {
    self.namespace = namespace
    self.eventsLogMaxAge = eventsLogMaxAge
  }

  package init(_ settings: Settings) {
    self.init(
      namespace: settings.amqp.namespace,
      eventsLogMaxAge: settings.events.log.isEnabled ? settings.events.log.maxAge : nil)
  }

  // MARK: Names

  package var commandsExchange: String { "\(namespace).commands" }
  package var deadLettersExchange: String { "\(namespace).dead-letters" }
  package var deadLettersQueue: String { "\(namespace).dead-letters" }
  package var eventsExchange: String { "\(namespace).events" }
  package var eventsLogQueue: String { "\(namespace).events.log" }
  /// The exclusive queue that is the lock of the active worker. It is declared by the connection that holds it.
  package var workerQueue: String { "\(namespace).worker" }

  package func commandQueue(_ command: CommandName) -> String { "\(namespace).commands.\(command.rawValue)" }
  package func queue(of source: Source) -> String {
    switch source {
    case .commands(let name): commandQueue(name)
    case .deadLetters: deadLettersQueue
    }
  }

  // MARK: Objects

  /// Deliveries of one message before the broker dead-letters it. High on purpose: a dropped connection returns
  /// everything that was prefetched, and healthy messages must not die of a flapping link.
  package static let commandDeliveryLimit: Int64 = 1000
  /// The same for the dead letters themselves: over it, they would be gone.
  package static let deadLetterDeliveryLimit: Int64 = 1_000_000

  /// In the order in which they are declared: the dead-letter objects first, so that no command queue ever points at
  /// an exchange that is not there; every binding right after its queue.
  package var objects: [TopologyObject] {
    var objects: [TopologyObject] = [
      .exchange(name: deadLettersExchange, arguments: [:]),
      .queue(
        name: deadLettersQueue,
        arguments: ["x-queue-type": "quorum", "x-delivery-limit": .int64(Self.deadLetterDeliveryLimit)]),
      .binding(queue: deadLettersQueue, exchange: deadLettersExchange, routingKey: "#"),
      .exchange(name: eventsExchange, arguments: [:]),
    ]
    if let eventsLogMaxAge {
      objects.append(
        .queue(
          name: eventsLogQueue,
          arguments: [
            "x-queue-type": "stream", "x-max-age": .string("\(eventsLogMaxAge.components.seconds)s"),
          ]))
      objects.append(.binding(queue: eventsLogQueue, exchange: eventsExchange, routingKey: "#"))
    }
    objects.append(
      .exchange(name: commandsExchange, arguments: ["alternate-exchange": .string(deadLettersExchange)]))
    for command in CommandName.allCases {
      let queue = commandQueue(command)
      objects.append(.queue(name: queue, arguments: commandQueueArguments))
      objects.append(.binding(queue: queue, exchange: commandsExchange, routingKey: command.rawValue))
    }
    return objects
  }

  /// Whether a difference in it is worth a warning only: the worker does its work without the events log.
  package func isOptional(_ object: TopologyObject) -> Bool {
    switch object {
    case .queue(let name, _), .binding(let name, _, _): name == eventsLogQueue
    case .exchange: false
    }
  }

  private var commandQueueArguments: FieldTable {
    [
      "x-queue-type": "quorum",
      "x-dead-letter-exchange": .string(deadLettersExchange),
      "x-dead-letter-strategy": "at-least-once",
      "x-overflow": "reject-publish",
      "x-delivery-limit": .int64(Self.commandDeliveryLimit),
    ]
  }
}
