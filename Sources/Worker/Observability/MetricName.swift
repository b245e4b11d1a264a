/// Every metric of the worker. Dots become underscores in the Prometheus text format.
package enum MetricName: String, CaseIterable, Sendable {
  /// Counter by `command` and `outcome`: commands decided, duplicates not among them.
  case commandsDecided = "ostler.commands.decided"
  /// Counter by `command`: deliveries that were answered with a stored outcome.
  case commandsDuplicate = "ostler.commands.duplicate"
  /// Counter by `code`: rejections.
  case commandsRejected = "ostler.commands.rejected"
  /// Gauge: commands parked, un-acked.
  case commandsParked = "ostler.commands.parked"
  /// Distribution: commands in a batch.
  case batchSize = "ostler.batch.size"
  /// Distribution, seconds: one batch's transaction, fsync included.
  case batchDuration = "ostler.batch.duration.seconds"
  /// Counter: events that the broker confirmed.
  case eventsConfirmed = "ostler.events.confirmed"
  /// Counter: events that no queue took.
  case eventsUnroutable = "ostler.events.unroutable"
  /// Counter: windows that were published again after a nack or a lost connection.
  case eventsRestarted = "ostler.events.restarted"
  /// Gauge: events in the outbox, not yet confirmed.
  case outboxDepth = "ostler.outbox.depth"
  /// Counter by `result`: replies sent, dropped because too many waited, or failed.
  case replies = "ostler.replies"
  /// Gauge by `state`: dead letters.
  case deadLetters = "ostler.dead_letters"
  /// Gauge, seconds: the age of the oldest open dead letter.
  case deadLettersOldestAge = "ostler.dead_letters.oldest_age.seconds"
  /// Counter by `event`: letters kept, resolved by a replay, and replays published or failed again.
  case deadLettersEvents = "ostler.dead_letters.events"
  /// Counter: dead letters taken in from the broker.
  case deadLettersTakenIn = "ostler.dead_letters.taken_in"
  /// Counter by `connection`: tries to connect again, after a loss or a try that failed.
  case reconnects = "ostler.connection.reconnects"
  /// Counter: pauses of consuming because of trouble with the store.
  case pauses = "ostler.consumer.pauses"
  /// Counter: subscriptions begun anew because messages waited and none came.
  case deafnesses = "ostler.consumer.deaf"
  /// Gauge: 1 while this worker holds the lock and consumes.
  case active = "ostler.worker.active"
}
