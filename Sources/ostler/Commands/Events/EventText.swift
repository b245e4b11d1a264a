import Lifecycle
import Worker

/// Events as lines for people.
enum EventText {
  /// `2026-11-23T16:52:07.123Z  server 4711  allocated  available -> allocated  …`; the bytes themselves where they are no
  /// event of ours.
  static func line(_ body: [UInt8], routingKey: String) -> String {
    guard let event = try? JSONReader.document(body), let type = event["type"]?.text else {
      return "\(PlainText.clean(routingKey))  \(PlainText.clean(String(decoding: body.prefix(500), as: UTF8.self)))"
    }
    let time = event["time"]?.plain ?? "-"
    let data = event["data"] ?? .null
    let words = type.split(separator: ".")
    let name = words.count == 4 ? String(words[2]) : type
    switch words.count == 4 ? words[1] : "" {
    case "server": return "\(time)  \(server(name, data))"
    case "command": return "\(time)  \(command(name, data))"
    case "quota": return "\(time)  quota \(name)  \(quota(data))"
    default: return "\(time)  \(PlainText.clean(type))  \(data.plain)"
    }
  }

  private static func server(_ name: String, _ data: Detail) -> String {
    guard let id = data["serverId"]?.plain else { return "\(name): \(data.plain)" }
    var parts = ["server \(id) \(name)"]
    let state = data["state"]?.plain ?? "?"
    if let previous = data["previousState"]?.plain, previous != state {
      parts.append("\(previous) -> \(state)")
    } else {
      parts.append(state)
    }
    if let subState = data["subState"] { parts.append("(\(subState.plain))") }
    parts.append("version \(data["version"]?.plain ?? "?")")
    parts.append("at \(data["locationId"]?.plain ?? "?")")
    if let client = data["allocation"]?["clientId"] { parts.append("client \(client.plain)") }
    if let endedBy = data["allocation"]?["endedBy"] { parts.append("ended by \(endedBy.plain)") }
    parts += who(data)
    if let reason = data["reason"] { parts.append("\"\(reason.plain)\"") }
    return parts.joined(separator: "  ")
  }

  private static func command(_ name: String, _ data: Detail) -> String {
    var parts = ["command \(data["command"]?.plain ?? "?") \(name)"]
    if let error = data["error"] {
      parts.append("\(error["code"]?.plain ?? "?"): \(error["message"]?.plain ?? "")")
    }
    if let server = data["serverId"] { parts.append("server \(server.plain)") }
    if let client = data["clientId"] { parts.append("client \(client.plain)") }
    parts += who(data)
    if let operation = data["operationUuid"] { parts.append("operation \(operation.plain)") }
    return parts.joined(separator: "  ")
  }

  private static func quota(_ data: Detail) -> String {
    func limit(_ name: String) -> String { data[name]?.integer.map(String.init) ?? "none" }
    var parts = ["limit \(limit("oldLimit")) -> \(limit("newLimit"))", "client \(data["clientId"]?.plain ?? "?")"]
    if let contract = data["contractId"] { parts.append("contract \(contract.plain)") }
    parts.append("location \(data["locationId"]?.plain ?? "?")")
    parts.append("type \(data["instanceTypeId"]?.plain ?? "?")")
    parts += who(data)
    return parts.joined(separator: "  ")
  }

  private static func who(_ data: Detail) -> [String] {
    [data["actor"].map { "by \($0.plain)" }, data["replayedBy"].map { "replayed by \($0.plain)" }].compactMap(\.self)
  }
}
