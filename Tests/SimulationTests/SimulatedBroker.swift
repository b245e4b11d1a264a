import AMQP
import DequeModule
import Lifecycle
import Worker

// Unchecked: touched on the simulation's thread alone.
final class SimulatedQueue: @unchecked Sendable {
  let name: String
  var ready: Deque<Message> = []
  init(_ name: String) { self.name = name }
}

/// RabbitMQ as section 10 of the contract describes it, as far as the worker can tell: a model to be wrong with, whose
/// every liberty is one that the real one takes.
// Unchecked: touched on the simulation's thread alone.
final class SimulatedBroker: @unchecked Sendable {
  unowned let world: Simulation
  let topology: Topology
  private(set) var links: [Link] = []
  /// In the order of the commands, the dead letters last.
  let queues: [SimulatedQueue]
  private let byName: [String: SimulatedQueue]
  private(set) var isDown = false
  private(set) var hasAlarm = false
  /// Confirms are held back.
  var isStalled = false
  private(set) var lockHolder: Link?
  private var lastLink = 0

  private var scheduler: Scheduler { world.scheduler }
  private var weather: Weather { world.weather }

  init(_ world: Simulation, topology: Topology) {
    self.world = world
    self.topology = topology
    let names = CommandName.allCases.map(topology.commandQueue) + [topology.deadLettersQueue]
    queues = names.map { SimulatedQueue($0) }
    byName = Dictionary(uniqueKeysWithValues: queues.map { ($0.name, $0) })
  }

  func link(_ role: ConnectionRole, _ process: SimulatedWorker) -> Link {
    lastLink += 1
    let link = Link(number: lastLink, role: role, process: process)
    links.append(link)
    process.links.append(link)
    return link
  }

  func readyMessages(in queue: String) -> Int { byName[queue]?.ready.count ?? 0 }

  /// Nothing waits, and nothing is out.
  var isEmpty: Bool {
    queues.allSatisfy { $0.ready.isEmpty } && links.allSatisfy { $0.unacked.isEmpty && $0.toBroker.isEmpty }
  }

  // MARK: - What may happen next

  enum Move {
    case take(Link)
    case arrive(Link)
    case deliver(Link, Link.Consumer)
    case confirm(Link)
  }

  func moves() -> [Move] {
    var moves: [Move] = []
    for link in links {
      if !link.toBroker.isEmpty, !(hasAlarm && link.toldBlocked) { moves.append(.take(link)) }
      if !link.toWorker.isEmpty, !link.process.isFrozen { moves.append(.arrive(link)) }
      guard link.isOpenAtBroker, !isDown else { continue }
      for consumer in link.consumers where !consumer.queue.ready.isEmpty && room(of: consumer, on: link) > 0 {
        moves.append(.deliver(link, consumer))
      }
      if !link.unconfirmed.isEmpty, !isStalled { moves.append(.confirm(link)) }
    }
    return moves
  }

  private func room(of consumer: Link.Consumer, on link: Link) -> Int {
    consumer.prefetch - link.unacked.count { $0.consumer == consumer.tag }
  }

  func make(_ move: Move) {
    switch move {
    case .take(let link):
      for _ in 0...scheduler.pick(4) where !link.toBroker.isEmpty && !(hasAlarm && link.toldBlocked) { take(link) }
    case .arrive(let link): for _ in 0...scheduler.pick(4) where !link.toWorker.isEmpty { link.arrive() }
    case .deliver(let link, let consumer): deliver(consumer, link)
    case .confirm(let link): confirm(link)
    }
    links.removeAll { $0.lost != nil && !$0.isOpenAtBroker && $0.toBroker.isEmpty }
  }

  private func deliver(_ consumer: Link.Consumer, _ link: Link) {
    guard let channel = link.channel else { return }
    for _ in 0...scheduler.pick(8) where room(of: consumer, on: link) > 0 {
      guard let message = consumer.queue.ready.popFirst() else { return }
      let tag = link.nextTag
      link.nextTag += 1
      link.unacked.append(
        Link.Unacked(tag: tag, queue: consumer.queue, consumer: consumer.tag, message: message))
      var properties = message.properties
      if message.returns > 0 {
        var headers = properties.headers ?? FieldTable()
        headers["x-delivery-count"] = .int64(Int64(message.returns))
        properties.headers = headers
      }
      let delivery = Delivery(
        consumer: consumer.tag, tag: DeliveryTag(generation: channel, value: tag), redelivered: message.returns > 0,
        exchange: message.exchange, routingKey: message.routingKey, properties: properties, body: .whole(message.body))
      link.delivering(tag, consumer.queue.name, message)
      link.toWorker.append(.inbound(.delivery(delivery), generation: channel))
      scheduler.trace.note("\(consumer.queue.name) gives \(message.name) to \(link.name) as \(tag)")
    }
  }

  /// Confirms come out of order, and in groups.
  private func confirm(_ link: Link) {
    guard let channel = link.channel else { return link.unconfirmed.removeAll() }
    let place = scheduler.pick(link.unconfirmed.count)
    let chosen = link.unconfirmed[place]
    let isGroup =
      scheduler.chance(oneIn: 2) && link.unconfirmed[...place].allSatisfy { $0.isTaken == chosen.isTaken }
    if isGroup { link.unconfirmed.removeFirst(place + 1) } else { link.unconfirmed.remove(at: place) }
    let inbound: Inbound =
      chosen.isTaken
      ? .confirmed(sequence: chosen.sequence, multiple: isGroup) : .nacked(sequence: chosen.sequence, multiple: isGroup)
    scheduler.trace.note("the broker answers \(link.name): \(inbound)")
    link.toWorker.append(.inbound(inbound, generation: channel))
  }

  // MARK: - What the worker asks for

  private func take(_ link: Link) {
    let frame = link.toBroker.removeFirst()
    if case .end = frame { return end(link) }
    switch frame {
    case .call(let id, let operation, let generation):
      // What was asked on a channel that is gone is not answered: its end is the answer.
      if operation.needsChannel, generation != link.channel { return }
      let result = answer(operation, on: link)
      link.toWorker.append(.reply(id, result))
    case .ack(let tag, let multiple, let generation):
      guard link.isOpenAtBroker, generation == link.channel else { return }
      guard link.unacked.contains(where: { $0.tag == tag }) else {
        return scheduler.violate("\(link.name) acks \(tag), which the broker does not know")
      }
      link.unacked.removeAll { multiple ? $0.tag <= tag : $0.tag == tag }
    case .publish(let sequence, let message):
      guard link.isOpenAtBroker, let channel = link.channel else { return }
      if hasAlarm {
        // It is told with its first message, which is not read.
        link.toBroker.prepend(frame)
        return block(link)
      }
      publish(message, sequence, link, channel)
    case .end: break
    }
  }

  private func publish(_ message: OutboundMessage, _ sequence: UInt64, _ link: Link, _ channel: UInt64) {
    let isTaken = !(link.confirms && scheduler.chance(oneIn: weather.nack))
    if isTaken {
      if message.mandatory, scheduler.chance(oneIn: weather.returned) {
        let returned = Return(
          replyCode: 312, replyText: "NO_ROUTE", exchange: message.exchange, routingKey: message.routingKey,
          properties: message.properties, body: .whole(message.body))
        link.toWorker.append(.inbound(.returned(returned), generation: channel))
      }
      route(
        Message(
          number: nil, exchange: message.exchange, routingKey: message.routingKey, properties: message.properties,
          body: message.body), from: link)
    }
    if link.confirms { link.unconfirmed.append((sequence, isTaken)) }
  }

  func answer(_ operation: Link.Operation, on link: Link) -> Result<Void, AMQPError> {
    if case .open = operation {
      guard !isDown else { return .failure(AMQPError(.connectFailed, "the broker is down", scope: .connection)) }
      link.isOpenAtBroker = true
      return .success(())
    }
    guard link.isOpenAtBroker else { return .failure(Link.gone) }
    switch operation {
    case .open: break
    case .close: end(link)
    case .openChannel(let generation):
      link.channel = generation
      link.nextTag = 1
      link.confirms = false
    case .closeChannel: endChannel(of: link)
    case .enableConfirms: link.confirms = true
    case .find(.queue(let name, _)) where name.hasSuffix(".worker"):
      guard lockHolder == nil || lockHolder === link else {
        endChannel(of: link)
        return .failure(AMQPError(.resourceLocked, "\(name) is another's", scope: .channel))
      }
      endChannel(of: link)
      return .failure(AMQPError(.notFound, "no queue \(name)", scope: .channel))
    case .declare, .find: break
    case .lock(let name):
      if let holder = lockHolder, holder !== link {
        endChannel(of: link)
        return .failure(AMQPError(.resourceLocked, "\(name) is \(holder.name)'s", scope: .channel))
      }
      scheduler.trace.note("\(link.name) has the lock")
      lockHolder = link
    case .prefetch(let count): link.prefetch = count
    case .subscribe(let name, let tag):
      guard let queue = byName[name] else {
        return .failure(AMQPError(.notFound, "no queue \(name)", scope: .channel))
      }
      link.consumers.append(Link.Consumer(tag: tag, queue: queue, prefetch: link.prefetch))
    }
    return .success(())
  }

  // MARK: - Routing

  /// Puts a message where its exchange and key lead.
  func route(_ message: Message, from link: Link?) {
    switch message.exchange {
    case topology.eventsExchange: world.routed(message)
    case topology.commandsExchange:
      let queue = byName["\(topology.commandsExchange).\(message.routingKey)"] ?? deadLetters
      queue.ready.append(message)
    case topology.deadLettersExchange: deadLetters.ready.append(message)
    case "": world.replied(message)
    default: scheduler.violate("a message was published to exchange \(message.exchange)")
    }
  }

  private var deadLetters: SimulatedQueue { queues[queues.count - 1] }

  /// A waiting message outlives its time-to-live.
  func expireOne() {
    let full = queues.dropLast().filter { !$0.ready.isEmpty }
    guard let queue = scheduler.pick(full) else { return }
    let message = queue.ready.remove(at: scheduler.pick(queue.ready.count))
    var properties = message.properties
    var headers = properties.headers ?? FieldTable()
    let death: FieldTable = [
      "count": .int64(1), "reason": "expired", "queue": .string(queue.name),
      "exchange": .string(topology.commandsExchange),
    ]
    headers["x-death"] = .array([.table(death)])
    properties.headers = headers
    scheduler.trace.note("\(message.name) expires in \(queue.name)")
    route(
      Message(
        number: message.number, exchange: topology.deadLettersExchange, routingKey: message.routingKey,
        properties: properties, body: message.body), from: nil)
  }

  // MARK: - Trouble

  /// The broker's end of a connection: what was out is waiting again, before everything else and in order.
  private func end(_ link: Link) {
    guard link.isOpenAtBroker else { return }
    endChannel(of: link)
    link.isOpenAtBroker = false
    link.toBroker.removeAll()
    if lockHolder === link { lockHolder = nil }
    if link.lost == nil { link.toWorker.append(.end) }
    scheduler.trace.note("\(link.name) has ended at the broker")
  }

  private func endChannel(of link: Link) {
    giveBack(link) { _ in true }
    link.channel = nil
    link.consumers = []
    link.unconfirmed = []
    link.confirms = false
  }

  private func giveBack(_ link: Link, where isReturned: (Link.Unacked) -> Bool) {
    for unacked in link.unacked.reversed() where isReturned(unacked) {
      unacked.message.returns += 1
      unacked.queue.ready.prepend(unacked.message)
    }
    link.unacked.removeAll(where: isReturned)
  }

  /// The broker has not heard of a peer for two heartbeats.
  func giveUp(_ link: Link) { end(link) }

  func restart(downFor duration: Duration) {
    scheduler.trace.note("the broker goes down")
    isDown = true
    hasAlarm = false
    for link in links {
      link.toldBlocked = false
      // What it had not read yet is lost with it.
      link.toBroker.removeAll { if case .end = $0 { false } else { true } }
      end(link)
    }
    scheduler.after(duration, id: scheduler.nextID()) { [unowned self] in comeUp() }
  }

  func comeUp() {
    guard isDown else { return }
    scheduler.trace.note("the broker is up")
    isDown = false
  }

  /// As after the consumer time-out.
  func closeChannel(of link: Link) {
    guard let channel = link.channel else { return }
    endChannel(of: link)
    scheduler.trace.note("the broker closes the channel of \(link.name)")
    link.toWorker.append(
      .channelClosed(AMQPError(.preconditionFailed, "the consumer timed out", scope: .channel), generation: channel))
  }

  /// The queue has lost its leader, or was deleted and made anew.
  func cancelConsumer(of link: Link) {
    guard let channel = link.channel, !link.consumers.isEmpty else { return }
    let consumer = link.consumers.remove(at: scheduler.pick(link.consumers.count))
    scheduler.trace.note("the broker cancels the consumer of \(consumer.queue.name)")
    link.toWorker.append(.inbound(.consumerCancelled(consumer.tag), generation: channel))
  }

  func raiseAlarm() {
    guard !hasAlarm, !isDown else { return }
    scheduler.trace.note("the broker raises an alarm")
    hasAlarm = true
    for link in links where link.isOpenAtBroker && link.confirms { block(link) }
  }

  private func block(_ link: Link) {
    guard !link.toldBlocked else { return }
    link.toldBlocked = true
    link.toWorker.append(.inbound(.blocked(reason: "low on memory"), generation: 0))
  }

  func clearAlarm() {
    guard hasAlarm else { return }
    scheduler.trace.note("the broker clears its alarm")
    hasAlarm = false
    for link in links where link.toldBlocked {
      link.toldBlocked = false
      link.toWorker.append(.inbound(.unblocked, generation: 0))
    }
  }
}

extension Message {
  var name: String {
    if let ticket { return "replay \(ticket)" }
    return number.map { "message \($0) (\(routingKey))" } ?? "a message (\(routingKey))"
  }
}
