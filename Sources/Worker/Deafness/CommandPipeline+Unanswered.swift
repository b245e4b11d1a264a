import AMQP
import Lifecycle
import Logging

/// Queues for which the broker does not answer `basic.consume`: a quorum queue without a leader. Until it has one again,
/// the broker answers nothing else on the channel that has asked, so these queues are left out, and the others served.
extension CommandPipeline {
  /// From one try to the next.
  private static let trialInterval = Duration.seconds(15)

  /// Subscribes to every queue but those that have not answered.
  ///
  /// - Throws: `timedOut` when one does not answer; it is left out the next time.
  func subscribeToQueues(on connection: any ConsumingConnection) async throws(AMQPError) {
    for source in CommandName.allCases.map(Source.commands) + [.deadLetters] where !unanswered.contains(source) {
      do throws(AMQPError) {
        sources[try await connection.subscribe(to: topology.queue(of: source))] = source
      } catch {
        if error.code == .timedOut { unanswered.insert(source) }
        throw error
      }
    }
    if !unanswered.isEmpty {
      logger.log(
        .error, "the broker does not answer for a queue (has it a leader?); the other queues are served meanwhile",
        [.queue: namesOfUnanswered])
    }
  }

  /// What readiness says of consuming, with live subscriptions.
  func showSubscriptions() {
    if isDeaf {
      health.set(.consumer, .notReady("subscribed again; nothing was heard yet"))
    } else if unanswered.isEmpty {
      health.set(.consumer, .ready)
    } else {
      health.set(
        .consumer, .notReady("the broker does not answer for \(namesOfUnanswered); the other queues are served"))
    }
  }

  /// Tries the queues that have not answered, over connections that nobody needs.
  ///
  /// - Throws: ``QueueAnswersAgain`` when one does; `CancellationError`.
  func tryUnanswered() async throws {
    while true {
      try await clock.sleep(for: Self.trialInterval)
      for source in unanswered where await inspector.isAnswered(topology.queue(of: source)) {
        unanswered.remove(source)
        throw QueueAnswersAgain(queue: topology.queue(of: source))
      }
    }
  }

  private var namesOfUnanswered: String { unanswered.map(topology.queue(of:)).sorted().joined(separator: ", ") }
}

/// The broker takes subscriptions again to a queue that had been left out.
struct QueueAnswersAgain: Error {
  let queue: String
}
