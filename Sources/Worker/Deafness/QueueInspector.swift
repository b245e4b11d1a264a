import AMQP

/// Asks the broker how many messages are ready in queues, which disturbs neither consuming nor publishing: over a connection
/// of its own, because the broker answers a question for a queue that is not there by closing the channel.
///
/// The connection is opened by the first question and kept for the next one. Every question ends within the connection's
/// time-outs.
actor QueueInspector {
  private let addresses: BrokerAddresses
  private let broker: any Broker
  private var connection: (any InspectingConnection)?

  init(addresses: BrokerAddresses, broker: any Broker) {
    self.addresses = addresses
    self.broker = broker
  }

  /// - Returns: ready messages by queue, without the queues that are not there or may not be looked at.
  func readyMessages(in queues: [String]) async throws(AMQPError) -> [String: Int] {
    do throws(AMQPError) {
      let connection = try await connected()
      var ready: [String: Int] = [:]
      for queue in queues {
        do throws(AMQPError) {
          ready[queue] = try await connection.readyMessages(in: queue)
        } catch {
          guard !error.isConnectionLost else { throw error }
          try await connection.openChannel()
        }
      }
      return ready
    } catch {
      await close()
      throw error
    }
  }

  /// Whether the broker answers who subscribes to that queue, and be it with a refusal. Over a connection for this alone,
  /// whose channel is stuck if it does not. A message that comes along goes back.
  func isAnswered(_ queue: String) async -> Bool {
    let connection = broker.inspector()
    var isAnswered = true
    do throws(AMQPError) {
      try await addresses.open(connection)
      try await connection.setPrefetch(1)
      _ = try await connection.subscribe(to: queue)
    } catch {
      isAnswered = !error.isConnectionLost
    }
    await connection.close()
    return isAnswered
  }

  func close() async {
    let connection = connection
    self.connection = nil
    await connection?.close()
  }

  private func connected() async throws(AMQPError) -> any InspectingConnection {
    if let connection {
      if await connection.isChannelOpen { return connection }
      await close()
    }
    let opened = broker.inspector()
    connection = opened
    try await addresses.open(opened)
    return opened
  }
}
