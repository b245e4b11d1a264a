import AMQP
import CoreMetrics
import Logging

extension CommandPipeline {
  /// Silence before the broker is asked, in heartbeats: half a minute unless set otherwise.
  static let silentHeartbeats = 2

  func listen(to deliveries: [Delivery], outOf inbound: [Inbound]) {
    let now = monotonicNow
    var last: ConsumerTag?
    for delivery in deliveries where delivery.consumer != last {
      last = delivery.consumer
      watch.heard(source(of: delivery), at: now)
    }
    if !Self.isFull(inbound, deliveries) { watch.caughtUp(at: now) }
    tellOfCure()
  }

  /// Whether there may be more to take at once. Half a batch in bytes, because headers are not counted here.
  private static func isFull(_ inbound: [Inbound], _ deliveries: [Delivery]) -> Bool {
    inbound.count >= maxBatchCount || deliveries.reduce(0) { $0 + $1.body.bytes.count } >= maxBatchBytes / 2
  }

  /// - Throws: ``DeafSubscription`` when messages wait and none come.
  func watchForDeafness() throws(DeafSubscription) {
    switch watch.next(at: monotonicNow) {
    case .wait(let until): nextLook = until
    case .ask(let sources, let number):
      nextLook = monotonicNow + DeafnessWatch.answerPause
      question.set(DeafnessQuestion(sources: sources, number: number))
    case .subscribeAgain(let finding):
      instruments.deafnesses.increment()
      let error = DeafSubscription(finding, topology)
      logger.log(
        .error, "messages wait at the broker and none of them come; subscribing again",
        [.queue: error.queues, .count: error.count])
      health.set(.consumer, .notReady("\(error)"))
      throw error
    }
  }

  /// Takes batches, and beside them asks the broker what is to be known of its queues: batches must not wait for the answer.
  func takeBatchesAndAsk(over connection: any ConsumingConnection) async throws {
    try await withThrowingTaskGroup { group in
      group.addTask {
        try await withTaskExecutorPreference(connection.preferredExecutor) {
          try await self.takeBatches(from: connection)
        }
      }
      group.addTask { try await self.askForever() }
      if !unanswered.isEmpty { group.addTask { try await self.tryUnanswered() } }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func askForever() async throws {
    var asked = question.value.number
    while true {
      let next = try await question.wait { [asked] in $0.number > asked }
      asked = next.number
      await ask(next.sources, next.number)
    }
  }

  private func ask(_ sources: Set<Source>, _ question: Int) async {
    let queues = Dictionary(uniqueKeysWithValues: sources.map { (topology.queue(of: $0), $0) })
    var ready: [Source: Int]?
    do throws(AMQPError) {
      let counts = try await inspector.readyMessages(in: queues.keys.sorted())
      ready = counts.reduce(into: [:]) { ready, count in
        if let source = queues[count.key] { ready[source] = count.value }
      }
      canAsk = true
    } catch {
      if canAsk {
        logger.log(
          .warning, "the broker could not be asked whether messages wait; asking again later", [.error: error])
      }
      canAsk = false
    }
    watch.answered(question, ready, at: monotonicNow)
    tellOfCure()
  }

  private func tellOfCure() {
    guard isDeaf, watch.isCured else { return }
    isDeaf = false
    showSubscriptions()
    logger.log(.notice, "messages come again, or none wait", [:])
  }
}

/// What the watch for deafness wants to know, the latest of it.
struct DeafnessQuestion: Sendable {
  /// Whose messages are asked about.
  var sources: Set<Source> = []
  var number = 0
}

/// The broker does not send what waits in queues that are subscribed to.
struct DeafSubscription: Error, CustomStringConvertible {
  /// Names, sorted, separated by commas.
  let queues: String
  let count: Int
  let isRepeated: Bool

  init(_ finding: DeafnessWatch.Finding, _ topology: Topology) {
    queues = finding.waiting.keys.map(topology.queue(of:)).sorted().joined(separator: ", ")
    count = finding.waiting.values.reduce(0, +)
    isRepeated = finding.isRepeated
  }

  var description: String { "\(count) messages wait in \(queues), and the broker sends none of them" }
}
