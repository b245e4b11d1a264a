import AMQP
import Lifecycle
import Store

/// Reads from the events log what happened after a backup was taken.
enum RestoreLog {
  /// Offsets that are not told apart any further when looking for where to begin.
  private static let searchWidth: Int64 = 1_000
  /// Read besides before the place that was found: as many events as are under way may have been published again.
  private static let margin: Int64 = 5_000
  /// Messages that are looked at for an event of this store.
  private static let probeCount: Int64 = 100

  static func read(
    into story: inout LostStory, facts: inout FactWriter, of restoration: Restoration
  ) async throws -> RestoreReport.Log {
    guard restoration.request.readsLog else { return .notRead }
    let settings = restoration.settings
    let queue = Topology(settings).eventsLogQueue
    guard settings.events.log.isEnabled else {
      throw RestoreError(
        .refused,
        "events.log.enabled is false, so nothing tells what happened since the backup. A server that was given to a "
          + "client since would be given to a second one; --no-log goes on knowingly")
    }
    let log = EventsLog(settings, connectTimeout: restoration.request.connectTimeout)
    do {
      try await log.open()
      let last = try await end(of: log, queue, story)
      let result = try await read(log, through: last, into: &story, facts: &facts, restoration)
      await log.close()
      return result
    } catch {
      await log.close()
      throw (error as? AMQPError).map(unreadable) ?? error
    }
  }

  static func unreadable(_ error: AMQPError) -> RestoreError {
    RestoreError(
      .unavailable,
      "what happened since the backup cannot be read from the broker: \(error). Is it up, and amqp.uri right? "
        + "--no-log goes on without it, knowingly: a server that was given to a client since would be given to a second one"
    )
  }

  /// - Returns: the offset of the last message.
  private static func end(of log: EventsLog, _ queue: String, _ story: LostStory) async throws -> Int64 {
    let tail: LogTail
    let last: Int64
    switch try await log.tail() {
    case .empty: throw silent("\(queue) is empty or not there")
    case .noStream: throw silent("\(queue) is not a stream")
    case .messages(let messages, let offset): (tail, last) = (messages, offset)
    }
    guard let end = tail.end else { throw silent("at its end \(queue) has no events") }
    guard end.storeID == story.storeID else {
      throw RestoreError(
        .refused,
        "this is a backup of another store: \(queue) ends with events of store \(end.storeID), and the backup is of store "
          + "\(story.storeID). Check the file, amqp.uri and amqp.namespace")
    }
    return last
  }

  private static func silent(_ what: String) -> RestoreError {
    RestoreError(
      .refused,
      "\(what), so nothing tells what happened since the backup. Check amqp.uri and amqp.namespace. A server that was "
        + "given to a client since would be given to a second one; --no-log goes on knowingly")
  }

  private static func read(
    _ log: EventsLog, through last: Int64, into story: inout LostStory, facts: inout FactWriter,
    _ restoration: Restoration
  ) async throws -> RestoreReport.Log {
    let first = try await log.firstOffset() ?? 0
    let start = try await start(in: log, from: first, through: last, story)
    let total = Int(last - start + 1)
    var (messages, foreign) = (0, 0)
    try await log.begin(from: start, through: last)
    while let deliveries = try await log.next() {
      for delivery in deliveries {
        messages += 1
        guard let event = LoggedEvent(delivery.body.bytes), event.storeID == story.storeID else {
          foreign += 1
          continue
        }
        try await facts.take(story.take(event))
      }
      try restoration.progress(.reading(messages, of: max(total, messages)))
    }
    return .read(messages: messages, foreign: foreign)
  }

  /// An offset before the first event that the backup does not know. Positions say where that is, no clock does.
  private static func start(
    in log: EventsLog, from first: Int64, through last: Int64, _ story: LostStory
  ) async throws(AMQPError) -> Int64 {
    var (low, high) = (first, last)
    while high - low > searchWidth {
      let middle = low + (high - low) / 2
      if try await isKnown(at: middle, through: last, in: log, story) { low = middle } else { high = middle }
    }
    return max(first, low - margin)
  }

  /// Whether the backup knows the event there. What cannot be told counts as no, which only begins earlier.
  private static func isKnown(
    at offset: Int64, through last: Int64, in log: EventsLog, _ story: LostStory
  ) async throws(AMQPError) -> Bool {
    try await log.begin(from: offset, through: min(offset + probeCount - 1, last))
    while let deliveries = try await log.next() {
      for delivery in deliveries {
        guard let event = LoggedEvent(delivery.body.bytes), event.storeID == story.storeID else { continue }
        return event.place <= story.backup
      }
    }
    return false
  }
}
