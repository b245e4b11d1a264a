package import AMQP

extension Connection: ConsumingConnection, PublishingConnection, InspectingConnection {
  package nonisolated var preferredExecutor: (any TaskExecutor)? { taskExecutor }

  package func lock(_ queue: String) async throws(AMQPError) {
    try await declareQueue(queue, durable: false, exclusive: true, autoDelete: false)
  }

  package func subscribe(to queue: String) async throws(AMQPError) -> ConsumerTag { try await consume(queue) }

  package func declare(_ object: TopologyObject) async throws(AMQPError) {
    switch object {
    case .exchange(let name, let arguments):
      try await declareExchange(name, kind: .topic, durable: true, arguments: arguments)
    case .queue(let name, let arguments):
      try await declareQueue(name, durable: true, arguments: arguments)
    case .binding(let queue, let exchange, let routingKey):
      try await bindQueue(queue, to: exchange, routingKey: routingKey)
    }
  }

  package func readyMessages(in queue: String) async throws(AMQPError) -> Int {
    try await declareQueue(queue, passive: true).messageCount
  }

  package func find(_ object: TopologyObject) async throws(AMQPError) {
    switch object {
    case .exchange(let name, _): try await declareExchange(name, passive: true)
    case .queue(let name, _): try await declareQueue(name, passive: true)
    case .binding: break
    }
  }
}
