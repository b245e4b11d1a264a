import Lifecycle
import Worker

/// The worker's answer to a command.
struct CommandReply {
  /// As it came: one JSON object.
  let bytes: [UInt8]
  /// As read; `null` where it is not what an answer looks like.
  let content: Detail

  init(bytes: [UInt8]) {
    self.bytes = bytes
    content = (try? JSONReader.document(bytes)) ?? .null
  }

  var outcome: Outcome? { content["outcome"]?.text.flatMap(Outcome.init(rawValue:)) }
  var isDuplicate: Bool { content["duplicate"]?.boolean ?? false }
  var code: String? { content["error"]?["code"]?.text }
  var message: String? { content["error"]?["message"]?.text }

  /// The answer for people.
  var lines: [String] {
    var lines: [String] = []
    func add(_ label: String, _ value: String?) {
      if let value { lines.append("  \(label.padding(to: 12))\(value)") }
    }
    var head = outcome?.rawValue ?? "answered"
    if isDuplicate { head += " before (this is the stored outcome)" }
    if let code { head += ": \(PlainText.clean(code)): \(PlainText.clean(message ?? ""))" }
    if let server = content["server"] { head += ": \(ServerText.summary(server))" }
    lines.append(head)
    if let server = content["server"] {
      add("allocation", server["allocation"].map(ServerText.allocation))
      add("baseline", server["baselineId"]?.text)
      add("now", server["current"].map(ServerText.current))
    }
    add("now", content["current"].map(ServerText.current))
    add("quota", content["quota"].map(QuotaText.summary))
    if let error = content["error"] {
      add("retry", error["retry"]?.plain)
      add("details", error["details"].map(\.plain))
    }
    add("dead letter", content["deadLetterId"]?.plain)
    add("operation", content["operationUuid"]?.plain)
    return lines
  }
}
