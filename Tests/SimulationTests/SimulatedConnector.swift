import AMQP
import Worker

/// What the simulation gives a worker for a broker.
struct SimulatedConnector: Broker {
  let process: SimulatedWorker

  init(_ process: SimulatedWorker) { self.process = process }

  func consumer() -> any ConsumingConnection {
    SimulatedConnection(link: process.world.broker.link(.consumer, process))
  }
  func publisher(_ role: ConnectionRole) -> any PublishingConnection {
    SimulatedConnection(link: process.world.broker.link(role, process))
  }
  func inspector() -> any InspectingConnection {
    SimulatedConnection(link: process.world.broker.link(.inspector, process))
  }
}

struct SimulatedConnection: ConsumingConnection, PublishingConnection, InspectingConnection {
  let link: Link
  var preferredExecutor: (any TaskExecutor)? { nil }

  func open(_ brokers: [BrokerURI]) async throws(AMQPError) -> BrokerURI {
    try await link.open()
    return brokers[0]
  }
  func close() async { await link.close() }
  func receive(maxCount: Int, maxBytes: Int, atMost limit: Duration?) async throws(AMQPError) -> [Inbound] {
    try await link.receive(maxCount: maxCount, atMost: limit)
  }
  func endWait() { link.endWait() }
  func openChannel() async throws(AMQPError) { try await link.openChannel() }
  func closeChannel() async throws(AMQPError) { try await link.closeChannel() }
  func declare(_ object: TopologyObject) async throws(AMQPError) { try await link.onChannel(.declare(object)) }
  func find(_ object: TopologyObject) async throws(AMQPError) { try await link.onChannel(.find(object)) }
  func readyMessages(in queue: String) async throws(AMQPError) -> Int {
    try await link.onChannel(.find(.queue(name: queue, arguments: [:])))
    return link.process.world.broker.readyMessages(in: queue)
  }
  func lock(_ queue: String) async throws(AMQPError) { try await link.onChannel(.lock(queue)) }
  func setPrefetch(_ count: Int) async throws(AMQPError) { try await link.onChannel(.prefetch(count)) }
  func subscribe(to queue: String) async throws(AMQPError) -> ConsumerTag {
    let tag = ConsumerTag("c\(link.scheduler.nextID())")
    try await link.onChannel(.subscribe(queue, tag))
    return tag
  }
  func ack(upTo: DeliveryTag?, and tags: [DeliveryTag]) async { await link.ack(upTo: upTo, and: tags) }
  var isChannelOpen: Bool { get async { link.isChannelOpen } }
  func enableConfirms() async throws(AMQPError) { try await link.onChannel(.enableConfirms) }
  func publish(_ messages: [OutboundMessage]) async throws(AMQPError) -> Published {
    try await link.publish(messages)
  }
}
