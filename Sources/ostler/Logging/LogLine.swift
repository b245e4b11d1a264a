import Lifecycle
import Logging
import Worker

/// What both log formats share: bounds on every part, and no password in any of them.
enum LogLine {
  static let maxMessageBytes = 4096
  static let maxValueBytes = 1024
  static let maxFields = 32

  static func message(_ message: Logger.Message) -> String { bounded(message.description, maxBytes: maxMessageBytes) }

  /// The fields, sorted by name; an error of the event is the field `error`.
  static func fields(_ metadata: Logger.Metadata, _ event: LogEvent) -> [(name: String, value: String)] {
    var all = metadata.merging(event.metadata ?? [:]) { _, own in own }
    if let error = event.error { all["error"] = "\(error)" }
    return all.sorted { $0.key < $1.key }.prefix(maxFields).map { field in
      (bounded(field.key, maxBytes: 64), bounded(field.value.description, maxBytes: maxValueBytes))
    }
  }

  private static func bounded(_ text: String, maxBytes: Int) -> String {
    let masked = Secrets.masked(text)
    guard masked.utf8.count > maxBytes else { return masked }
    return String(decoding: masked.utf8.prefix(maxBytes), as: UTF8.self) + "…"
  }
}

/// The last line of defence: no log line and no message has a password of a broker address in it.
package enum Secrets {
  /// Writes `***` for the password of every `scheme://user:password@`.
  package static func masked(_ text: String) -> String {
    guard text.contains("://"), text.contains("@") else { return text }
    var result = ""
    var rest = text[...]
    while let scheme = rest.firstRange(of: "://") {
      result += rest[..<scheme.upperBound]
      rest = rest[scheme.upperBound...]
      let authority = rest.prefix { !$0.isWhitespace && $0 != "/" && $0 != "," }
      guard let at = authority.lastIndex(of: "@") else { continue }
      let user = authority[..<at]
      result += user.firstIndex(of: ":").map { user[..<$0] + ":***" } ?? user
      rest = rest[at...]
    }
    return result + rest
  }
}
