import AMQP
import CoreMetrics
import DequeModule
import Logging
import ServiceLifecycle

/// Sends replies: best effort, one try each, on a connection of their own, because the broker closes the one on which a
/// forged `reply-to` is used.
final class Replier: Service {
  /// More than this many waiting are dropped: the durable answer is to send the command again with its key.
  static let maxWaiting = 20_000
  private static let maxBatch = 256
  /// A broker that is restarted gets so many chances, over some ten seconds, before the replies in hand are given up.
  private static let maxOpenings = 7

  private let addresses: BrokerAddresses
  private let world: World
  private let instruments: Instruments
  private let logger: Logger
  private let queue = Watched<ReplyQueue>(ReplyQueue())

  init(_ parts: WorkerParts) {
    addresses = parts.addresses
    world = parts.world
    instruments = parts.instruments
    logger = parts.logger
  }

  /// Takes replies whose transactions are durable. Never waits.
  func send(_ replies: [OutgoingReply]) {
    guard !replies.isEmpty else { return }
    queue.update { [instruments] queue in
      let room = max(0, Self.maxWaiting - queue.waiting.count)
      queue.waiting.append(contentsOf: replies.prefix(room))
      if replies.count > room { instruments.repliesDropped.increment(by: Int64(replies.count - room)) }
    }
  }

  func run() async throws {
    let queue = queue
    await withGracefulShutdownHandler {
      var connection: (any PublishingConnection)?
      var isFirst = true
      while true {
        guard let state = try? await queue.wait(until: { !$0.waiting.isEmpty || $0.isClosing }) else { break }
        if state.waiting.isEmpty { break }
        let batch = queue.update { $0.take(Self.maxBatch) }
        connection = await send(batch, on: connection, isFirst: isFirst)
        isFirst = false
      }
      await connection?.close()
    } onGracefulShutdown: {
      queue.update { $0.isClosing = true }
    }
  }

  /// - Returns: the connection to use next, `nil` where it is lost.
  private func send(_ batch: [OutgoingReply], on known: (any PublishingConnection)?, isFirst: Bool) async -> (
    any PublishingConnection
  )? {
    do throws(AMQPError) {
      let connection = try await usable(known, isFirst: isFirst)
      _ = try await connection.publish(batch.map(message))
      instruments.repliesSent.increment(by: Int64(batch.count))
      return connection
    } catch {
      instruments.repliesFailed.increment(by: Int64(batch.count))
      logger.log(
        .warning, "replies were not sent; senders get their answer by sending the command again",
        [.count: batch.count, .error: error])
      await known?.close()
      return nil
    }
  }

  /// A connection that was lost while it was idle costs no reply its one try. One that is lost over a forged address takes
  /// along what was sent together with that reply: the broker acknowledges none of them.
  private func usable(
    _ known: (any PublishingConnection)?, isFirst: Bool
  ) async throws(AMQPError) -> any PublishingConnection {
    if let known {
      if await known.isChannelOpen { return known }
      await known.close()
    }
    var backoff = Backoff()
    while true {
      if !isFirst || backoff.attempts > 0 { instruments.countReconnect(.replier) }
      let connection = world.broker.publisher(.replier)
      do throws(AMQPError) {
        try await addresses.open(connection)
        return connection
      } catch {
        await connection.close()
        if backoff.attempts >= Self.maxOpenings - 1 || queue.value.isClosing { throw error }
        let delay = backoff.next(world.random)
        guard (try? await world.clock.sleep(for: delay)) != nil else { throw error }
      }
    }
  }

  private func message(_ reply: OutgoingReply) -> OutboundMessage {
    var properties = Properties()
    properties.contentType = "application/json"
    properties.correlationID = reply.address.correlationID
    return OutboundMessage(
      exchange: "", routingKey: reply.address.replyTo, properties: properties, body: reply.body)
  }
}

struct ReplyQueue: Sendable {
  var waiting: Deque<OutgoingReply> = []
  var isClosing = false

  mutating func take(_ count: Int) -> [OutgoingReply] {
    let taken = Array(waiting.prefix(count))
    waiting.removeFirst(taken.count)
    return taken
  }
}
