import AMQP
import Lifecycle
import Logging
import Store
import TestSupport
import Worker

/// One seed's world: workers that start, die and freeze, a broker and a store in trouble, senders and a subscriber; and
/// what is known of all of it, so that every step can be checked.
// Unchecked: touched on the simulation's thread alone.
final class Simulation: @unchecked Sendable {
  let seed: UInt64
  let trace: Trace
  let scheduler: Scheduler
  let settings: Settings
  let bounds: WorkerBounds
  let logger: Logger
  let store: Store
  let probe: StoreProbe
  var weather: Weather
  var broker: SimulatedBroker { madeBroker }
  private var madeBroker: SimulatedBroker!
  private(set) var senders: Senders
  private(set) var facts = Facts()

  /// The worker that took the store over last.
  var owner = 0
  private(set) var steps = 0
  private var workers: [SimulatedWorker] = []
  private var ended: [SimulatedWorker] = []
  private var lastWorker = 0
  private var trouble: StoreError.Code?
  private var wallOffset = Duration.zero
  private var isCalm = false
  private let epoch = Timestamp(milliseconds: 1_790_000_000_000)

  /// - Parameter adjust: what is different from the weather that the seed brings.
  init(
    seed: UInt64, file: StoreFile, isRecording: Bool = false, adjust: (inout Weather) -> Void = { _ in }
  ) throws {
    try file.reset()
    self.seed = seed
    store = file.store
    probe = file.probe
    trace = Trace(isRecording: isRecording)
    let scheduler = Scheduler(seed: seed, trace: trace)
    self.scheduler = scheduler
    weather = Weather(using: &scheduler.random)
    adjust(&weather)
    var settings = Settings.standard
    settings.amqp.prefetch = [2, 5, 30, 1000][scheduler.pick(4)]
    settings.parking.limit = [0, 2, 200][scheduler.pick(3)]
    settings.parking.patience = [.zero, .milliseconds(300), .seconds(3)][scheduler.pick(3)]
    settings.deadLetters.maxReplays = 3
    // The simulated broker has no streams.
    settings.events.log.isEnabled = false
    self.settings = settings
    var bounds = WorkerBounds()
    bounds.eventsInFlight = [1, 3, 8, 4000][scheduler.pick(4)]
    bounds.snapshotChunk = 1 + scheduler.pick(3)
    bounds.snapshotMaxOutbox = [2, 20_000][scheduler.pick(2)]
    self.bounds = bounds
    logger = trace.isRecording ? .recording(to: trace) : .silent
    senders = Senders(orders: weather.orders, hasPoison: weather.hasPoison, using: &scheduler.random)
    madeBroker = SimulatedBroker(self, topology: Topology(settings))
    trace.prefix = { [unowned self] in "\(steps) \(scheduler.now) " }
  }

  var wallClock: Timestamp { epoch + (scheduler.now + wallOffset) }

  // MARK: - The run

  /// - Returns: what went wrong; nothing when all promises were kept.
  func run() -> [String] {
    startWorker()
    while isGood, steps < weather.steps || !senders.isDone { step() }
    calm()
    let end = steps + 30_000
    while isGood, !isAtRest {
      step()
      if steps > end { scheduler.violate("it does not come to rest: \(restlessness)") }
    }
    if isGood { check() }
    if isGood { stopCleanly() }
    for worker in workers { worker.kill() }
    buryTheDead()
    return scheduler.violations
  }

  private var isGood: Bool { scheduler.violations.isEmpty }

  private func step() {
    steps += 1
    if !isCalm, scheduler.chance(oneIn: weather.disturbanceEvery) { disturb() }
    if !senders.isDone, scheduler.chance(oneIn: weather.sendEvery) { send() }
    let moves = broker.moves()
    let runnable = scheduler.runnable
    if runnable + moves.count == 0 {
      pass(scheduler.nextTimer)
    } else if scheduler.chance(oneIn: 40), let next = scheduler.nextTimer {
      pass(min(next, scheduler.now + .milliseconds(1 + scheduler.pick(50))))
    } else {
      let choice = scheduler.pick(runnable + moves.count)
      trace.step(choice, runnable)
      if choice < runnable { scheduler.run(choice) } else { broker.make(moves[choice - runnable]) }
    }
    buryTheDead()
  }

  /// Nothing is left to do but to wait.
  private func pass(_ moment: Duration?) {
    guard let moment else {
      if !isCalm { return }
      return scheduler.violate("nothing goes on, and nothing is waited for: \(restlessness)")
    }
    trace.step(-1, Int(truncatingIfNeeded: moment.components.attoseconds))
    scheduler.advance(to: moment)
  }

  private func send() {
    guard let message = senders.next(using: &scheduler.random, exchange: broker.topology.commandsExchange) else {
      return
    }
    guard !broker.isDown else { return senders.notSent(message) }
    trace.note("\(message.name) is sent: \(String(decoding: message.body, as: UTF8.self))")
    if let number = message.number, senders.intent(of: number).isPoison {
      let queue = broker.topology.commandQueue(senders.intent(of: number).order.command)
      senders.intent(of: number).identity = MessageIdentity(
        queue: queue, properties: message.properties, body: .whole(message.body)
      ).bytes.map { String($0 >> 4, radix: 16, uppercase: true) + String($0 & 15, radix: 16, uppercase: true) }.joined()
    }
    broker.route(message, from: nil)
  }

  // MARK: - Workers

  private func startWorker() {
    lastWorker += 1
    let worker = SimulatedWorker(number: lastWorker, world: self, seed: seed &+ UInt64(lastWorker) &* 0x9E37_79B9)
    workers.append(worker)
    trace.note("worker \(lastWorker) starts")
    worker.start()
  }

  func processEnded(_ worker: SimulatedWorker) {
    workers.removeAll { $0 === worker }
    ended.append(worker)
    if worker.end != .clean { facts.noteCrash(try? probe.rows("SELECT hex(same_message) FROM suspects").map { $0[0] }) }
    if workers.isEmpty {
      scheduler.after(.milliseconds(200 + scheduler.pick(2000)), id: scheduler.nextID()) { [unowned self] in
        if workers.isEmpty, !isOver { startWorker() }
      }
    }
  }

  private var isOver = false

  private func buryTheDead() {
    while let worker = ended.popLast() { worker.bury() }
  }

  // MARK: - Trouble

  private func disturb() {
    guard let disturbance = weather.disturbance(using: &scheduler.random) else { return }
    trace.step(-2, disturbance.rawValue)
    switch disturbance {
    case .crash: scheduler.pick(workers)?.kill()
    case .stop: scheduler.pick(workers.filter { !$0.isFrozen })?.stop()
    case .freeze:
      guard let worker = scheduler.pick(workers.filter { !$0.isFrozen }) else { return }
      trace.note("worker \(worker.number) freezes")
      worker.isFrozen = true
      if scheduler.chance(oneIn: 2) { giveUp(worker) }
      scheduler.after(.milliseconds(scheduler.pick(5000)), id: scheduler.nextID()) { [unowned self] in thaw(worker) }
    case .thaw: if let worker = scheduler.pick(workers.filter(\.isFrozen)) { thaw(worker) }
    case .cut: scheduler.pick(links)?.cut()
    case .giveUp: if let link = scheduler.pick(links) { broker.giveUp(link) }
    case .closeChannel:
      if let link = scheduler.pick(links.filter { !$0.unacked.isEmpty }) { broker.closeChannel(of: link) }
    case .cancelConsumer:
      if let link = scheduler.pick(links.filter { $0.role == .consumer }) { broker.cancelConsumer(of: link) }
    case .restartBroker:
      if !broker.isDown { broker.restart(downFor: .milliseconds(scheduler.pick(3000))) }
    case .alarm:
      guard !broker.hasAlarm else { return broker.clearAlarm() }
      broker.raiseAlarm()
      scheduler.after(.milliseconds(scheduler.pick(5000)), id: scheduler.nextID()) { [unowned self] in
        broker.clearAlarm()
      }
    case .stall: broker.isStalled.toggle()
    case .storeTrouble:
      guard trouble == nil else { return endTrouble() }
      trouble = scheduler.pick([StoreError.Code.busy, .diskFull, .ioError])
      trace.note("the store has trouble")
      scheduler.after(.milliseconds(scheduler.pick(4000)), id: scheduler.nextID()) { [unowned self] in endTrouble() }
    case .jump:
      wallOffset += .seconds(scheduler.pick(7200) - 3600)
      trace.note("the wall clock jumps to \(wallClock)")
    case .replay: askReplay()
    case .expire: broker.expireOne()
    case .secondWorker: if workers.count < 2 { startWorker() }
    }
  }

  private var links: [Link] { broker.links.filter { $0.lost == nil && $0.isOpenAtBroker } }

  /// Nothing has been heard of it for two heartbeats: its lock is free, and another takes over.
  private func giveUp(_ worker: SimulatedWorker) {
    scheduler.after(.milliseconds(scheduler.pick(1000)), id: scheduler.nextID()) { [unowned self] in
      guard worker.isFrozen else { return }
      for link in worker.links where link.isOpenAtBroker { broker.giveUp(link) }
      if workers.count < 2 { startWorker() }
    }
  }

  private func thaw(_ worker: SimulatedWorker) {
    guard worker.isFrozen else { return }
    trace.note("worker \(worker.number) goes on")
    worker.isFrozen = false
  }

  private func endTrouble() {
    if trouble != nil { trace.note("the store is well again") }
    trouble = nil
  }

  func storeTrouble(forWriting: Bool) -> StoreError? {
    if let trouble, forWriting || trouble == .ioError { return StoreError(trouble, "the store has trouble") }
    guard forWriting, scheduler.chance(oneIn: weather.commitFails) else { return nil }
    return StoreError(.busy, "another process has the store")
  }

  /// Somebody at the command line asks for what was refused to be tried again.
  private func askReplay() {
    do throws(StoreError) {
      let letters = try store.readBlocking { snapshot throws(StoreError) in try snapshot.letters(limit: 100).letters }
      guard let letter = scheduler.pick(letters.filter { $0.state == .open || $0.state == .answered }) else { return }
      let asked = try store.commitBlocking(owner: nil) { transaction throws(StoreError) in
        try transaction.askReplay(of: letter.id, by: "operator", reason: nil, at: wallClock, maxFailures: 3)
      }
      trace.note("a replay of \(letter.id) is asked for: \(asked)")
    } catch {
      scheduler.violate("a replay could not be asked for: \(error)")
    }
  }

  // MARK: - The end

  /// All trouble ends. Whatever is left to do must now be done by itself.
  private func calm() {
    trace.note("calm")
    isCalm = true
    weather.clear()
    broker.isStalled = false
    broker.clearAlarm()
    broker.comeUp()
    endTrouble()
    for worker in workers { thaw(worker) }
    if workers.isEmpty { startWorker() }
  }

  private var isAtRest: Bool { scheduler.runnable == 0 && broker.moves().isEmpty && restlessness.isEmpty }

  /// What is still to be done.
  private var restlessness: String {
    if !broker.isEmpty { return "messages wait: " + broker.queues.filter { !$0.ready.isEmpty }.map(\.name).joined() }
    guard let active = workers.first(where: { $0.parts?.activity.value.fence != nil }), let parts = active.parts else {
      return "no worker is active"
    }
    guard parts.outbox.state.value.isDrained else { return "events wait: \(parts.outbox.state.value)" }
    guard parts.health.isReady else { return "the worker is not ready: \(parts.health.report)" }
    let waiting = try? probe.rows(
      """
      SELECT 'outbox', count(*) FROM outbox UNION ALL SELECT 'snapshots', count(*) FROM snapshot_runs
      UNION ALL SELECT 'replays', count(*) FROM replays WHERE ended_at IS NULL
      """
    ).filter { $0[1] != "0" }
    return waiting.map { $0.isEmpty ? "" : "the store has \($0)" } ?? "the store cannot be read"
  }

  private func stopCleanly() {
    isOver = true
    let stopping = workers
    for worker in stopping { worker.stop() }
    let end = steps + 10_000
    while isGood, !workers.isEmpty {
      step()
      if steps > end { scheduler.violate("it does not stop") }
    }
    for worker in stopping where worker.end != .clean {
      scheduler.violate("worker \(worker.number) did not stop in good order")
    }
    if isGood, (try? probe.number("SELECT worker_ended_cleanly FROM meta")) != 1 {
      scheduler.violate("the store does not know that its worker stopped in good order")
    }
  }

  /// The promises, from outside.
  private func check() {
    do {
      for problem in try facts.broken(senders: senders, probe: probe) { scheduler.violate(problem) }
    } catch {
      scheduler.violate("the store cannot be read: \(error)")
    }
  }

  // MARK: - What the simulated parts report

  private func check(_ problem: String?) {
    if let problem { scheduler.violate(problem) }
  }

  /// A transaction has committed.
  func committed(by process: SimulatedWorker) {
    do throws(StoreError) {
      let known = facts.lastCommitted
      let (position, oldest, fresh) = try store.readBlocking { snapshot throws(StoreError) in
        let position = try snapshot.meta().position
        return (
          position, try snapshot.outboxDepth().oldestPosition,
          position > known ? try snapshot.outbox(after: known, limit: 100_000, maxBytes: .max) : []
        )
      }
      for event in fresh {
        check(facts.committed(event, of: store.identity.storeID, senders))
        checkPoison(event)
      }
      check(facts.marked(before: oldest ?? position + 1))
      if position != facts.lastCommitted {
        scheduler.violate("the store is at position \(position), its last event at \(facts.lastCommitted)")
      }
      try watchPoison(process)
      if let letters = facts.takeCrashLetters() {
        for letter in letters {
          let row = try? probe.rows("SELECT hex(same_message) FROM dead_letters WHERE hex(id) = '\(letter)'")
          check(facts.mayBeConvicted(row?.first?.first ?? ""))
        }
      }
    } catch {
      scheduler.violate("the store cannot be read: \(error)")
    }
  }

  /// The poison ends whoever looks into it: only as a dead letter can it leave its queue.
  private func checkPoison(_ row: OutboxEvent) {
    let event = CommittedEvent(row, of: store.identity.storeID)
    guard weather.hasPoison, let copy = event.copy, senders.intent(of: copy).isPoison,
      senders.intent(of: copy).events.first == event.position
    else { return }
    if event.code != "worker-crash", event.code != "expired" {
      scheduler.violate("a message that ends every worker was decided: \(event.routingKey)")
    }
  }

  /// The worker has taken a message out of its connection.
  func handed(_ message: Message, redelivered: Bool, to process: SimulatedWorker) {
    guard let number = message.number, senders.intent(of: number).isPoison else { return }
    process.poison.hand(redelivered && process.isCareful)
  }

  func isDoneWithItsBatch(_ process: SimulatedWorker) { process.poison.drop() }

  private func watchPoison(_ process: SimulatedWorker) throws(StoreError) {
    guard weather.hasPoison, let identity = senders.poisonIdentity else { return }
    guard let rows = try? probe.rows("SELECT times FROM suspects WHERE hex(same_message) = '\(identity)'") else {
      return
    }
    process.poison.noted(rows.first.flatMap { Int($0[0]) } ?? 0)
  }

  func crashesOverPoison(_ process: SimulatedWorker) -> Bool {
    guard process.poison.kills else { return false }
    trace.note("worker \(process.number) crashes over the poison")
    return true
  }

  /// The worker lets go of a message for good.
  func acknowledged(_ message: Message, of queue: String, by link: Link) {
    let isDeadLetter = queue == broker.topology.deadLettersQueue
    if let ticket = message.ticket, message.number == nil {
      let replay = try? store.readBlocking { snapshot throws(StoreError) in
        try snapshot.replay(of: ticket.letterID, attempt: ticket.attempt)
      }
      if replay?.isRunning ?? true { scheduler.violate("\(link.name) acks \(message.name), which is not decided") }
      return
    }
    guard let number = message.number else { return scheduler.violate("a message of nobody's is acknowledged") }
    let intent = senders.intent(of: number)
    if facts.hasEvent(ofCopy: number) { return }
    if intent.kind == .keyed, !isDeadLetter {
      if !intent.events.isEmpty { return }
      // An applied allocate answers every later attempt; a snapshot's events follow.
      if intent.order.command == .allocate, senders.sameOperation(intent).contains(where: { !$0.changes.isEmpty }) {
        return
      }
      if intent.order.command == .snapshot, hasSnapshotRun(intent) { return }
    }
    scheduler.violate("\(link.name) acks \(message.name), and nothing of it is in the store")
  }

  private func hasSnapshotRun(_ intent: Intent) -> Bool {
    let traces = intent.copies.map { "'\(CommittedEvent.traceparent(of: $0))'" }.joined(separator: ",")
    return (try? probe.number("SELECT count(*) FROM snapshot_runs WHERE traceparent IN (\(traces))")) ?? 0 > 0
  }

  /// The worker has written a message to a connection.
  func written(_ message: OutboundMessage, sequence: UInt64, on link: Link) {
    guard link.role == .publisher else { return }
    guard let id = message.properties.messageID.flatMap({ UUID128($0) }) else {
      return scheduler.violate("an event has no message-id")
    }
    let position = Int64(id.high >> 16)
    check(facts.written(position, message.body, after: link.lastPosition))
    link.lastPosition = position
    link.positions[sequence] = position
    if weather.nack == 0, !isCalm, link.positions.count > bounds.eventsInFlight {
      scheduler.violate("\(link.positions.count) events are in flight, \(bounds.eventsInFlight) are allowed")
    }
  }

  /// A confirm has arrived at the worker.
  func confirmed(_ sequence: UInt64, multiple: Bool, on link: Link) {
    guard link.role == .publisher else { return }
    for covered in link.positions.keys.filter({ multiple ? $0 <= sequence : $0 == sequence }) {
      if let position = link.positions.removeValue(forKey: covered) { facts.confirmed(position) }
    }
  }

  /// The subscriber receives an event.
  func routed(_ message: Message) {
    guard let id = message.properties.messageID.flatMap({ UUID128($0) }) else { return }
    check(facts.received(Int64(id.high >> 16), message.body, isOrdered: facts.isOrdered && weather.nack == 0))
    if weather.nack > 0 { facts.isOrdered = false }
  }

  /// A sender receives a reply.
  func replied(_ message: Message) {
    check(senders.replied(message))
  }
}

extension Logger {
  static let silent: Logger = {
    var logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
    logger.logLevel = .critical
    return logger
  }()

  static func recording(to trace: Trace) -> Logger {
    var logger = Logger(label: "simulation") { _ in TraceLogHandler(trace: trace) }
    logger.logLevel = .trace
    return logger
  }
}

private struct TraceLogHandler: LogHandler {
  let trace: Trace
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.trace

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    trace.note("log \(event.level): \(event.message)\(fields)")
  }
}
