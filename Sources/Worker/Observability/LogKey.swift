package import Logging

/// Every key of the worker's log lines.
package enum LogKey: String, Sendable {
  case activity = "ostler.activity"
  case actor = "actor.name"
  case attempt = "operation.attempt"
  case batchSize = "batch.size"
  case code = "error.code"
  case command = "command.name"
  case connection = "amqp.connection"
  case count = "count"
  case deadLetter = "dead_letter.id"
  case delay = "retry.delay"
  case epoch = "store.epoch"
  case error = "error.message"
  case namespace = "amqp.namespace"
  case operation = "operation.uuid"
  case path = "store.path"
  case position = "event.position"
  case queue = "amqp.queue"
  case reason = "reason"
  case server = "server.id"
  case storeID = "store.id"
  case version = "ostler.version"
}

extension Logger {
  /// A line with this module's keys; values are cut at ``maxFieldLength`` characters.
  package func log(
    _ level: Logger.Level, _ message: Logger.Message, _ fields: KeyValuePairs<LogKey, any CustomStringConvertible>
  ) {
    guard logLevel <= level else { return }
    var metadata: Logger.Metadata = [:]
    for (key, value) in fields {
      let text = (value as? Duration).map(DurationText.write) ?? value.description
      metadata[key.rawValue] = .string(bounded(text))
    }
    log(level: level, message, metadata: metadata)
  }
}

/// The longest value of a log field, in characters: a hostile message cannot fill a disk through the log.
package let maxFieldLength = 500

private func bounded(_ text: String) -> String {
  text.utf8.count <= maxFieldLength ? text : String(text.prefix(maxFieldLength)) + "…"
}
