package import AMQP
import Lifecycle

/// Reads `<ns>.events.log`, the broker's own record of all events, on a connection of its own.
///
/// A stream wants manual acknowledgement and a prefetch, takes nothing back, and has no question for where it ends. What
/// the broker says of its length is seconds old. But what one channel is sent and what it is answered come in order: once
/// something has come, everything that was there has come before the answer to the next request.
package final class EventsLog {
  package enum Tail: Hashable, Sendable {
    /// There is no such queue, or nothing in it.
    case empty
    /// A queue of that name is no stream.
    case noStream
    /// Its last messages, and the offset of the very last one.
    case messages(LogTail, last: Int64)
  }

  /// Messages of the end that are looked at: as many as may have been published again after a lost connection.
  static let tailCount = Int64(WorkerBounds().eventsInFlight)
  /// The end is looked for in no more messages than this, should somebody keep publishing to it.
  private static let maxEndCount = 20_000
  private static let prefetch = 1000
  /// Of a message that is no event no more is kept than this.
  private static let maxBodyBytes = 65_536
  /// For something to come that must be there.
  private static let patience = Duration.seconds(20)
  /// A log that is there and of which the broker knows no message is taken for empty when nothing has come for that
  /// long, and after so many answers, so that a busy broker is given the time that it needs.
  private static let emptyPatience = Duration.milliseconds(250)
  private static let emptyLooks = 10

  private let queue: String
  private let brokers: [BrokerURI]
  private let connection: Connection
  /// The last delivery of a reading that has been handed out, and where the reading ends.
  private var taken: DeliveryTag?
  private var readingEnd: Int64 = -1

  package init(_ settings: Settings, connectTimeout: Duration? = nil) {
    queue = Topology(settings).eventsLogQueue
    brokers = settings.amqp.brokers
    var options = ConnectionOptions(name: "ostler-log")
    options.heartbeat = settings.amqp.heartbeat
    if let connectTimeout { options.connectTimeout = min(options.connectTimeout, connectTimeout) }
    options.wholeBodyMaxBytes = Self.maxBodyBytes
    // All that may be under way: what is not read would keep the answer behind it from being read.
    options.readAheadMaxCount = 2 * Self.prefetch
    options.readAheadMaxBytes = 2 * Self.prefetch * Self.maxBodyBytes
    connection = Connection(options: options)
  }

  package func open() async throws(AMQPError) { try await connection.open(brokers) }

  package func close() async { await connection.close() }

  // MARK: The end

  package func tail() async throws(AMQPError) -> Tail {
    guard let known = try await length() else { return .empty }
    let chunk: [Delivery]
    switch try await lastChunk(known: known) {
    case .empty: return .empty
    case .noStream: return .noStream
    case .deliveries(let deliveries): chunk = deliveries
    }
    guard let first = chunk.first?.offset, let last = chunk.last?.offset else { return .noStream }
    var messages = chunk.map(Self.message)
    let missing = Self.tailCount - Int64(chunk.count)
    if missing > 0, first > 0 {
      var earlier: [LogTail.Message] = []
      try await begin(from: max(0, first - missing), through: first - 1)
      while let deliveries = try await next() { earlier += deliveries.map(Self.message) }
      messages = earlier + messages
    }
    return .messages(LogTail(messages), last: last)
  }

  private enum Chunk {
    case empty, noStream
    case deliveries([Delivery])
  }

  /// Everything from the beginning of the last chunk on, which is what the broker keeps and sends as a whole.
  private func lastChunk(known: Int) async throws(AMQPError) -> Chunk {
    do throws(AMQPError) {
      try await subscribe(from: "last")
    } catch {
      // Queues of another type do not know the argument (RabbitMQ 3.10 and later).
      guard error.code == .preconditionFailed, !error.isConnectionLost else { throw error }
      try await connection.openChannel()
      return .noStream
    }
    var deliveries = try await firstDeliveries(known: known)
    guard let first = deliveries.first else { return .empty }
    guard first.offset != nil else { return .noStream }
    while deliveries.count < Self.maxEndCount, let last = deliveries.last {
      await connection.ack(last.tag, multiple: true)
      _ = try await length()
      let more = try await receive(atMost: .zero)
      if more.isEmpty { break }
      deliveries += more
    }
    return .deliveries(deliveries)
  }

  private func firstDeliveries(known: Int) async throws(AMQPError) -> [Delivery] {
    let begun = ContinuousClock.now
    var looks = 0
    while true {
      let deliveries = try await receive(atMost: .milliseconds(20))
      guard deliveries.isEmpty else { return deliveries }
      _ = try await length()
      looks += 1
      let waited = ContinuousClock.now - begun
      if known == 0, waited >= Self.emptyPatience, looks >= Self.emptyLooks { return [] }
      guard waited < Self.patience else {
        throw AMQPError(
          .timedOut,
          "the queue \(queue) has \(known) messages, and the broker sent none of them within \(Self.patience)",
          scope: .connection)
      }
    }
  }

  /// How many messages the broker thinks it has; `nil`: it is not there.
  private func length() async throws(AMQPError) -> Int? {
    do throws(AMQPError) {
      return try await connection.declareQueue(queue, passive: true).messageCount
    } catch {
      // Others with that code are about a queue that cannot be reached just now.
      guard error.code == .notFound, error.cause?.contains("no queue") ?? false else { throw error }
      try await connection.openChannel()
      return nil
    }
  }

  // MARK: Reading

  /// The offset of the first message that the log still has. `nil`: it has none.
  package func firstOffset() async throws(AMQPError) -> Int64? {
    guard let known = try await length() else { return nil }
    try await subscribe(from: "first")
    return try await firstDeliveries(known: known).first?.offset
  }

  /// Begins to read the messages of these offsets, those of them that the log still has.
  package func begin(from first: Int64, through last: Int64) async throws(AMQPError) {
    readingEnd = last
    guard first <= last else { return }
    try await subscribe(from: .int64(first))
  }

  /// The next of them, at least one; `nil`: that was all.
  package func next() async throws(AMQPError) -> [Delivery]? {
    guard readingEnd >= 0 else { return nil }
    if let taken { await connection.ack(taken, multiple: true) }
    let deliveries = try await receive(atMost: Self.patience)
    guard let newest = deliveries.last else {
      throw AMQPError(.timedOut, "nothing came from the queue \(queue) within \(Self.patience)", scope: .connection)
    }
    taken = newest.tag
    let wanted = deliveries.prefix { ($0.offset ?? .max) <= readingEnd }
    // What came after them shows that they are all there.
    if wanted.count < deliveries.count || wanted.last?.offset == readingEnd { readingEnd = -1 }
    return wanted.isEmpty ? nil : Array(wanted)
  }

  private func subscribe(from offset: FieldValue) async throws(AMQPError) {
    taken = nil
    try await connection.closeChannel()
    try await connection.openChannel()
    try await connection.setPrefetch(Self.prefetch)
    try await connection.consume(queue, arguments: ["x-stream-offset": offset])
  }

  private func receive(atMost limit: Duration) async throws(AMQPError) -> [Delivery] {
    var deliveries: [Delivery] = []
    for inbound in try await connection.receive(maxCount: .max, maxBytes: .max, atMost: limit) {
      switch inbound {
      case .delivery(let delivery): deliveries.append(delivery)
      case .consumerCancelled:
        throw AMQPError(.channelClosed, "the broker ended the subscription to \(queue)", scope: .channel)
      case .blocked, .unblocked: break
      case .returned, .confirmed, .nacked: preconditionFailure("this connection publishes nothing")
      }
    }
    return deliveries
  }

  private static func message(_ delivery: Delivery) -> LogTail.Message {
    LogTail.Message(id: delivery.properties.messageID.flatMap { UUID128($0) }, body: delivery.body.bytes)
  }
}

extension Delivery {
  /// Where it stands in a stream; `nil`: it comes from no stream.
  package var offset: Int64? { properties.headers?["x-stream-offset"]?.integer }
}
