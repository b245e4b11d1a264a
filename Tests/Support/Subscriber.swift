import AMQP
package import Worker

/// A subscriber with a queue of its own, bound to all events: what it received, in order, duplicates and all.
package final class Subscriber: Sendable {
  package let queue: String
  private let stage: Stage
  private let connection: Connection
  package let events: Watched<[EventRecord]>
  private let failure = Watched<AMQPError?>(nil)
  private let reading: Task<Void, Never>

  package init(_ stage: Stage, keys: [String] = ["#"]) async throws {
    let connection = try await stage.connect("test-subscriber")
    let exchange = stage.topology.eventsExchange
    // As the worker declares it: whoever comes first creates it.
    try await connection.declareExchange(exchange)
    queue = "\(stage.topology.namespace).subscriber"
    try await connection.declareQueue(queue, durable: false, exclusive: true)
    for key in keys { try await connection.bindQueue(queue, to: exchange, routingKey: key) }
    try await connection.consume(queue)
    let events = Watched<[EventRecord]>([])
    self.stage = stage
    self.connection = connection
    self.events = events
    reading = Task { [failure] in
      do throws(AMQPError) {
        while true {
          var new: [EventRecord] = []
          for case .delivery(let delivery) in try await connection.receive(maxCount: 1000, maxBytes: 1 << 24) {
            if let event = try? EventRecord(routingKey: delivery.routingKey, body: delivery.body.bytes) {
              new.append(event)
            }
            await connection.ack(delivery.tag)
          }
          events.update { [new] in $0 += new }
        }
      } catch {
        failure.set(error)
      }
    }
  }

  deinit { reading.cancel() }

  /// Waits until what was received fulfils the condition.
  @discardableResult
  package func receives(
    _ what: String, within limit: Duration = patience, _ condition: @escaping @Sendable ([EventRecord]) -> Bool
  ) async throws -> [EventRecord] {
    guard let events = try await events.wait(atMost: limit, until: condition) else {
      let (received, last) = (events.value, events.value.suffix(5).map(\.routingKey))
      let ended = failure.value.map { ", and then \($0)" } ?? ""
      throw TimedOut(
        what: """
          \(what); \(await stage.situation())
          received \(received.count), \(Set(received.map(\.id)).count) of them different, the last: \(last)\(ended)
          """, after: limit)
    }
    return events
  }

  package func close() async {
    reading.cancel()
    await connection.close()
  }
}
