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
