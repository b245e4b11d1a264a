import Lifecycle
import Logging
import Worker

/// Writes one JSON object a line to the standard error: `time`, `level`, `logger`, `message`, `fields`.
struct JSONLogHandler: LogHandler {
  let label: String
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]

  func log(event: LogEvent) {
    var json = JSONWriter()
    json.beginObject()
    json.key("time")
    json.value(Timestamp.now)
    json.key("level")
    json.value(event.level.rawValue)
    json.key("logger")
    json.value(label)
    json.key("message")
    json.value(LogLine.message(event.message))
    let fields = LogLine.fields(metadata, event)
    if !fields.isEmpty {
      json.key("fields")
      json.beginObject()
      for (name, value) in fields {
        json.key(name)
        json.value(value)
      }
      json.endObject()
    }
    json.endObject()
    Complaint.write(String(decoding: json.bytes, as: UTF8.self) + "\n")
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }
}
