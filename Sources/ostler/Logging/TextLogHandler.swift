import Foundation
import Lifecycle
import Logging

/// Writes one readable line an entry to the standard error: time, level, message, fields.
struct TextLogHandler: LogHandler {
  let label: String
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]

  func log(event: LogEvent) {
    var line =
      "\(Timestamp.now) \(event.level.rawValue.uppercased()) \(PlainText.clean(LogLine.message(event.message)))"
    for (name, value) in LogLine.fields(metadata, event) {
      let clean = PlainText.clean(value)
      line +=
        clean.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) || clean.isEmpty
        ? " \(name)=\"\(clean.replacing("\"", with: "'"))\"" : " \(name)=\(clean)"
    }
    Complaint.write(line + "\n")
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }
}

extension Timestamp {
  /// The wall clock.
  static var now: Timestamp {
    var moment = timespec()
    clock_gettime(CLOCK_REALTIME, &moment)
    return Timestamp(milliseconds: Int64(moment.tv_sec) * 1000 + Int64(moment.tv_nsec) / 1_000_000)
  }
}
