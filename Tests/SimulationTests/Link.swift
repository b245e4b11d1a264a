import AMQP
import DequeModule
import Worker

/// One connection with its channel, both ends of it and the wire between them. What is written arrives later, in order,
/// and perhaps never.
// Unchecked: touched on the simulation's thread alone.
final class Link: @unchecked Sendable {
  enum Operation {
    case open, enableConfirms, closeChannel, close
    case openChannel(generation: UInt64)
    case declare(TopologyObject)
    case find(TopologyObject)
    case lock(String)
    case prefetch(Int)
    case subscribe(String, ConsumerTag)

    var needsChannel: Bool {
      switch self {
      case .open, .close, .openChannel: false
      case .enableConfirms, .closeChannel, .declare, .find, .lock, .prefetch, .subscribe: true
      }
    }

    /// Whether the caller's cancellation ends the wait.
    var isCancellable: Bool { if case .open = self { true } else { false } }
  }
  enum ToBroker {
    case call(UInt64, Operation, generation: UInt64)
    case ack(tag: UInt64, multiple: Bool, generation: UInt64)
    case publish(sequence: UInt64, OutboundMessage)
    case end
  }
  enum ToWorker {
    case reply(UInt64, Result<Void, AMQPError>)
    case inbound(Inbound, generation: UInt64)
    case channelClosed(AMQPError, generation: UInt64)
    case end
  }
  struct Unacked {
    let tag: UInt64
    let queue: SimulatedQueue
    let consumer: ConsumerTag
    let message: Message
  }
  struct Consumer {
    let tag: ConsumerTag
    let queue: SimulatedQueue
    let prefetch: Int
  }

  let number: Int
  let role: ConnectionRole
  let process: SimulatedWorker
  var scheduler: Scheduler { process.scheduler }
  var broker: SimulatedBroker { process.world.broker }

  var toBroker: Deque<ToBroker> = []
  var toWorker: Deque<ToWorker> = []

  // The broker's end.
  var isOpenAtBroker = false
  /// The channel's generation, as the broker knows it; `nil`: none is open.
  var channel: UInt64?
  var prefetch = 0
  var consumers: [Consumer] = []
  var unacked: [Unacked] = []
  var nextTag: UInt64 = 1
  /// Published, and taken, and not yet answered.
  var unconfirmed: [(sequence: UInt64, isTaken: Bool)] = []
  var confirms = false
  var toldBlocked = false

  // The worker's end.
  enum ChannelState { case open, closing, closed(AMQPError) }
  private(set) var lost: AMQPError?
  private var channelState = ChannelState.closed(Link.notOpen)
  private var generation: UInt64 = 0
  private var inbox: Deque<Inbound> = []
  private var receiver: UInt64?
  private var mustNotWait = false
  private var calls: [UInt64: Result<Void, AMQPError>?] = [:]
  private(set) var nextSequence: UInt64 = 0
  /// The position of the event that went out with a sequence number.
  var positions: [UInt64: Int64] = [:]
  private var isBlocked = false
  /// Of the event that was written last.
  var lastPosition: Int64?
  /// Deliveries that the worker has taken and not acknowledged, in order.
  private(set) var inHand: [(tag: DeliveryTag, queue: String, message: Message)] = []
  private var onTheWay: [UInt64: (queue: String, message: Message)] = [:]

  init(number: Int, role: ConnectionRole, process: SimulatedWorker) {
    self.number = number
    self.role = role
    self.process = process
  }

  private static let notOpen = AMQPError(.connectionClosed, "the connection was never opened", scope: .connection)
  static let gone = AMQPError(.connectionClosed, "the connection is gone", scope: .connection)
  private static let closedByUs = AMQPError(.closedByUs, "we closed the connection", scope: .connection)

  var name: String { "\(role.rawValue) \(number) of worker \(process.number)" }

  // MARK: - The worker's end

  func call(_ operation: Operation) async throws(AMQPError) {
    if process.isDead { throw Self.closedByUs }
    if let lost { throw lost }
    let result = await answer(to: operation)
    try result.get()
  }

  private func answer(
    to operation: Operation, atMost limit: Duration = .seconds(20)
  ) async -> Result<Void, AMQPError> {
    // Most questions about the topology are answered at once: there are many, and what can happen between them is the
    // same each time.
    if case .declare = operation, toBroker.isEmpty, isOpenAtBroker, channel == generation, !broker.isDown,
      !scheduler.chance(oneIn: 12)
    {
      return broker.answer(operation, on: self)
    }
    let id = process.expect()
    scheduler.trace.note("\(name) asks \(id): \(operation)")
    calls[id] = .some(nil)
    toBroker.append(.call(id, operation, generation: generation))
    let how = await process.wait(id, atMost: limit, isCancellable: operation.isCancellable)
    let reply = calls.removeValue(forKey: id) ?? nil
    switch how {
    case .done: return reply ?? .failure(lost ?? Self.gone)
    case .timeIsUp:
      let error = AMQPError(.timedOut, "no answer", scope: .connection)
      lose(error)
      return .failure(error)
    case .cancelled: return .failure(AMQPError(.cancelled, "opening was cancelled", scope: .connection))
    }
  }

  func open() async throws(AMQPError) {
    do throws(AMQPError) {
      try await call(.open)
      try await openChannel()
    } catch {
      lose(error)
      throw error
    }
  }

  func openChannel() async throws(AMQPError) {
    if case .open = channelState { return }
    if let lost { throw lost }
    generation += 1
    inbox.removeAll { if case .delivery = $0 { true } else { false } }
    inHand = []
    onTheWay = [:]
    try await call(.openChannel(generation: generation))
    channelState = .open
  }

  func closeChannel() async throws(AMQPError) {
    switch channelState {
    case .closed(let error): if error.isConnectionLost { throw error } else { return }
    case .open, .closing: break
    }
    channelState = .closing
    try await call(.closeChannel)
    endChannel(AMQPError(.channelClosed, "we closed the channel", scope: .channel))
  }

  func onChannel(_ operation: Operation) async throws(AMQPError) {
    if let lost { throw lost }
    if case .closed(let error) = channelState {
      throw error.isConnectionLost ? error : AMQPError(.channelClosed, "the channel is closed", scope: .channel)
    }
    try await call(operation)
    if case .enableConfirms = operation { nextSequence = 1 }
  }

  var isChannelOpen: Bool { if case .open = channelState { lost == nil } else { false } }

  func close() async {
    guard !process.isDead, lost == nil else { return lose(Self.closedByUs) }
    endChannel(Self.closedByUs)
    _ = await answer(to: .close, atMost: .seconds(4))
    lose(Self.closedByUs)
  }

  func receive(maxCount: Int, atMost limit: Duration?) async throws(AMQPError) -> [Inbound] {
    if scheduler.chance(oneIn: 4) { await scheduler.pause() }
    if process.isDead { throw Self.closedByUs }
    if case .consumer = role { process.world.isDoneWithItsBatch(process) }
    precondition(receiver == nil, "one task at a time receives")
    if inbox.isEmpty {
      if case .closed(let error) = channelState { throw error }
      let id = process.expect()
      receiver = id
      if mustNotWait { process.finish(id, .timeIsUp) }
      mustNotWait = false
      _ = await process.wait(id, atMost: limit)
      if receiver == id { receiver = nil }
      if process.isDead { throw Self.closedByUs }
    }
    let taken = Array(inbox.prefix(maxCount))
    inbox.removeFirst(taken.count)
    if taken.isEmpty, case .closed(let error) = channelState { throw error }
    for inbound in taken { note(taken: inbound) }
    return taken
  }

  func endWait() {
    mustNotWait = receiver == nil
    if let receiver { process.finish(receiver, .timeIsUp) }
  }

  private func note(taken inbound: Inbound) {
    switch inbound {
    case .delivery(let delivery):
      guard let (queue, message) = onTheWay.removeValue(forKey: delivery.tag.value) else {
        return scheduler.violate("\(name): a delivery came twice")
      }
      inHand.append((delivery.tag, queue, message))
      process.world.handed(message, redelivered: delivery.redelivered, to: process)
    case .returned, .confirmed, .nacked, .consumerCancelled, .blocked, .unblocked: break
    }
  }

  func ack(upTo: DeliveryTag?, and tags: [DeliveryTag]) async {
    if scheduler.chance(oneIn: 4) { await scheduler.pause() }
    if let upTo { ack(upTo, multiple: true) }
    for tag in tags { ack(tag, multiple: false) }
  }

  private func ack(_ tag: DeliveryTag, multiple: Bool) {
    guard !process.isDead, isChannelOpen, tag.generation == generation else { return }
    scheduler.trace.note("\(name) acks \(tag.value)\(multiple ? " and all before it" : "")")
    guard inHand.contains(where: { $0.tag == tag }) else {
      return scheduler.violate("\(name) acks \(tag.value), which it has not in hand (acked twice, or never delivered)")
    }
    let covered = inHand.filter { multiple ? $0.tag <= tag : $0.tag == tag }
    inHand.removeAll { multiple ? $0.tag <= tag : $0.tag == tag }
    for (_, queue, message) in covered { process.world.acknowledged(message, of: queue, by: self) }
    toBroker.append(.ack(tag: tag.value, multiple: multiple, generation: generation))
  }

  func publish(_ messages: [OutboundMessage]) async throws(AMQPError) -> Published {
    if scheduler.chance(oneIn: 4) { await scheduler.pause() }
    let first = nextSequence
    var count = 0
    while count < messages.count {
      if process.isDead { throw Self.closedByUs }
      if case .closed(let error) = channelState { throw error }
      if isBlocked || Task.isCancelled { break }
      // As much as fits; the rest when there is room again.
      let more = min(messages.count - count, 1 + scheduler.pick(12))
      for message in messages[count..<(count + more)] {
        process.world.written(message, sequence: nextSequence, on: self)
        toBroker.append(.publish(sequence: nextSequence, message))
        if nextSequence > 0 { nextSequence += 1 }
      }
      count += more
      scheduler.trace.note("\(name) writes \(more) messages")
      if count < messages.count {
        if process.world.weather.stopsShort > 0, scheduler.chance(oneIn: process.world.weather.stopsShort) { break }
        await scheduler.pause()
      } else if scheduler.chance(oneIn: 3) {
        await scheduler.pause()
      }
    }
    if process.isDead { throw Self.closedByUs }
    if case .closed(let error) = channelState { throw error }
    return Published(first: first, count: count)
  }

  private func endChannel(_ error: AMQPError) {
    channelState = .closed(error)
    inbox.removeAll { if case .delivery = $0 { true } else { false } }
    inHand = []
    onTheWay = [:]
    wakeReceiver()
  }

  private func lose(_ error: AMQPError) {
    guard lost == nil else { return }
    lost = error
    scheduler.trace.note("\(name) is lost to the worker: \(error.code)")
    toWorker.removeAll()
    if case .end? = toBroker.last {} else { toBroker.append(.end) }
    endChannel(error)
    for id in calls.keys.sorted() {
      calls[id] = .failure(error)
      process.finish(id, .done)
    }
  }

  private func wakeReceiver() {
    guard let receiver else { return }
    self.receiver = nil
    process.finish(receiver, .done)
  }

  /// The next thing that the broker sent has come.
  func arrive() {
    switch toWorker.removeFirst() {
    case .end: lose(Self.gone)
    case .reply(let id, let result):
      scheduler.trace.note("\(name) is answered \(id): \(result)")
      guard calls[id] != nil else { return }
      if case .failure(let error) = result, error.scope == .channel { endChannel(error) }
      calls[id] = result
      process.finish(id, .done)
    case .channelClosed(let error, let generation):
      guard generation == self.generation, isChannelOpen else { return }
      endChannel(error)
      for id in calls.keys.sorted() {
        calls[id] = .failure(error)
        process.finish(id, .done)
      }
    case .inbound(.blocked(let reason), _): arrive(.blocked(reason: reason))
    case .inbound(.unblocked, _): arrive(.unblocked)
    case .inbound(let inbound, let generation):
      guard generation == self.generation, isChannelOpen else { return }
      arrive(inbound)
    }
  }

  private func arrive(_ inbound: Inbound) {
    switch inbound {
    case .confirmed(let sequence, let multiple): process.world.confirmed(sequence, multiple: multiple, on: self)
    case .blocked: isBlocked = true
    case .unblocked: isBlocked = false
    case .delivery, .returned, .nacked, .consumerCancelled: break
    }
    inbox.append(inbound)
    wakeReceiver()
  }

  func delivering(_ tag: UInt64, _ queue: String, _ message: Message) { onTheWay[tag] = (queue, message) }

  // MARK: - The wire

  /// The worker's process is gone: what it had written may have arrived or not.
  func processDied() {
    guard lost == nil else { return }
    cutShort()
    lose(Self.closedByUs)
  }

  /// The connection breaks: of what is under way some arrives, either way.
  func cut() {
    scheduler.trace.note("\(name) is cut")
    cutShort()
    toWorker.removeLast(toWorker.isEmpty ? 0 : scheduler.pick(toWorker.count + 1))
    toWorker.append(.end)
  }

  private func cutShort() {
    toBroker.removeLast(toBroker.isEmpty ? 0 : scheduler.pick(toBroker.count + 1))
    if isOpenAtBroker { toBroker.append(.end) }
  }
}
