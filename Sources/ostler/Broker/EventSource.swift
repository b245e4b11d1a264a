import AMQP
import Lifecycle
import Worker

/// Where events are read from.
enum EventSource {
  /// As they are published: a queue of our own, bound to the events exchange.
  case live
  /// The broker's events log, from there on.
  case log(LogStart)
}

/// Where in the events log reading begins.
enum LogStart {
  case first
  case next
  case offset(Int64)
  /// The events of that moment and later.
  case since(Timestamp)

  /// The consumer argument `x-stream-offset`.
  var argument: FieldValue {
    switch self {
    case .first: "first"
    case .next: "next"
    case .offset(let offset): .int64(offset)
    // The broker begins with the chunk that has it, and its clock need not be ours: a minute early, the rest is left out.
    case .since(let moment): .timestamp(UInt64(max(moment.milliseconds / 1000 - 60, 0)))
    }
  }
}

/// One event as it arrived.
struct ReceivedEvent {
  let routingKey: String
  /// One CloudEvent.
  let body: [UInt8]
  /// Where it stands in the events log, when it came from there.
  let offset: Int64?
  let tag: DeliveryTag
}

/// One subscription to events on one connection. When the connection is lost, a new one goes on where this one was.
struct EventSubscription {
  private static let prefetch = 500
  /// Events that the broker keeps for us while we do not read, in a queue that nobody else has.
  private static let maxQueued: Int64 = 100_000

  private let connection: Connection
  private let isLog: Bool

  static func open(
    _ source: EventSource, filters: [TopicPattern], settings: Settings, within limit: Duration
  ) async throws(CommandFailure) -> EventSubscription {
    let connection = try await BrokerAccess.connect(settings, name: "events", within: limit)
    let topology = Topology(settings)
    do throws(AMQPError) {
      try await connection.setPrefetch(prefetch)
      switch source {
      case .live:
        // Under the namespace, so that the permissions of the worker's user are enough.
        let queue = try await connection.declareQueue(
          "\(topology.eventsExchange).watch.\(UUID128.random())", durable: false, exclusive: true, autoDelete: true,
          arguments: ["x-max-length": .int64(maxQueued)])
        for filter in filters {
          try await connection.bindQueue(queue.name, to: topology.eventsExchange, routingKey: filter.text)
        }
        _ = try await connection.consume(queue.name)
        return EventSubscription(connection: connection, isLog: false)
      case .log(let start):
        _ = try await connection.consume(
          topology.eventsLogQueue, arguments: ["x-stream-offset": start.argument])
        return EventSubscription(connection: connection, isLog: true)
      }
    } catch {
      await connection.close()
      throw BrokerAccess.failure(error, settings)
    }
  }

  /// What came in within the time. A subscription that the broker ended is an error, as a lost connection is.
  func receive(within limit: Duration) async throws(AMQPError) -> [ReceivedEvent] {
    var events: [ReceivedEvent] = []
    for inbound in try await connection.receive(within: limit) {
      switch inbound {
      case .delivery(let delivery):
        let offset = isLog ? delivery.properties.headers?["x-stream-offset"]?.integer : nil
        events.append(
          ReceivedEvent(
            routingKey: delivery.routingKey, body: delivery.body.bytes, offset: offset, tag: delivery.tag))
      case .consumerCancelled:
        throw AMQPError(.channelClosed, "the broker ended the subscription: its queue was deleted", scope: .channel)
      case .returned, .confirmed, .nacked, .blocked, .unblocked: break
      }
    }
    return events
  }

  /// Says that everything up to there has been printed, so that more may come.
  func acknowledge(_ tag: DeliveryTag) async { await connection.ack(tag, multiple: true) }

  func close() async { await connection.close() }
}
