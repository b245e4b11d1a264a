package import AMQP

/// The broker as the worker reaches it. Every connection is made anew, and is not open yet.
package protocol Broker: Sendable {
  func consumer() -> any ConsumingConnection
  func publisher(_ role: ConnectionRole) -> any PublishingConnection
  func inspector() -> any InspectingConnection
}

/// The worker's connections: one consumes, one publishes events, one replies, one is there while letters are replayed, and
/// one, in a silence, to ask after queues. The management tools show them by these names.
package enum ConnectionRole: String, CaseIterable, Sendable {
  case consumer, publisher, replier, replayer, inspector
}

/// What every connection can do; ``AMQP/Connection`` says more of each.
package protocol BrokerConnection: Sendable {
  /// Where a task that serves this connection runs best; `nil`: where it is.
  var preferredExecutor: (any TaskExecutor)? { get }

  /// Tries the addresses in turn.
  ///
  /// - Returns: the one that took us in.
  @discardableResult
  func open(_ brokers: [BrokerURI]) async throws(AMQPError) -> BrokerURI
  func close() async

  /// Waits until something has come in, no longer than `limit`, and returns all that is there, within the bounds.
  ///
  /// - Returns: nothing when time is up, or when the waiting task is cancelled.
  func receive(maxCount: Int, maxBytes: Int, atMost limit: Duration?) async throws(AMQPError) -> [Inbound]
  /// Whoever waits in `receive`, now or the next time, is given what there is, or nothing. From any thread.
  func endWait()
}

/// One that can see to what there must be on the broker.
package protocol DeclaringConnection: Sendable {
  func openChannel() async throws(AMQPError)
  /// Creates it, or finds it there as it should be.
  func declare(_ object: TopologyObject) async throws(AMQPError)
  /// Asks for an exchange or a queue, whatever its arguments: `notFound` where there is none. Of a binding the protocol
  /// cannot ask.
  func find(_ object: TopologyObject) async throws(AMQPError)
}

package protocol ConsumingConnection: BrokerConnection, DeclaringConnection {
  /// Takes the exclusive queue of that name: `resourceLocked` where another connection has it.
  func lock(_ queue: String) async throws(AMQPError)
  func setPrefetch(_ count: Int) async throws(AMQPError)
  func subscribe(to queue: String) async throws(AMQPError) -> ConsumerTag
  func ack(upTo: DeliveryTag?, and tags: [DeliveryTag]) async
  func closeChannel() async throws(AMQPError)
}

package protocol InspectingConnection: BrokerConnection {
  var isChannelOpen: Bool { get async }
  func openChannel() async throws(AMQPError)
  /// How many messages wait in a queue for somebody to take them. Where there is no such queue the channel is lost.
  func readyMessages(in queue: String) async throws(AMQPError) -> Int
  func setPrefetch(_ count: Int) async throws(AMQPError)
  func subscribe(to queue: String) async throws(AMQPError) -> ConsumerTag
}

package protocol PublishingConnection: BrokerConnection {
  var isChannelOpen: Bool { get async }
  func enableConfirms() async throws(AMQPError)
  func publish(_ messages: [OutboundMessage]) async throws(AMQPError) -> Published
}
