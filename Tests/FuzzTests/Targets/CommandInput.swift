import Lifecycle
import Worker

/// A message from a command queue as text: lines `name: value`, an empty line, then the body as it is.
///
/// Names: `command`, `exchange`, `routing-key`, `type`, `content-type`, `content-encoding`, `message-id`, `max-bytes`,
/// `require-key`, `require-baseline-id`, and `truncated` (bytes of a body that was not kept). What is left out is as it
/// should be; what cannot be read is passed over, so that every input is some message.
struct CommandInput {
  let envelope: CommandEnvelope

  init(_ input: [UInt8]) {
    var fields: [String: String] = [:]
    var rest = input[...]
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      let line = rest[..<end]
      guard line.isEmpty || line.contains(UInt8(ascii: ":")) else { break }
      rest = rest[(end + 1)...]
      if line.isEmpty { break }
      let parts = String(decoding: line, as: UTF8.self).split(
        separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { fields[String(parts[0])] = String(parts[1].drop { $0 == " " }) }
    }
    let command =
      fields["command"].flatMap(CommandName.init(rawValue:))
      ?? CommandName.allCases[input.count % CommandName.allCases.count]
    let body = Array(rest)
    envelope = CommandEnvelope(
      command: command, exchange: fields["exchange"] ?? "server.commands",
      routingKey: fields["routing-key"] ?? command.rawValue, namespace: "server", type: fields["type"],
      contentType: fields["content-type"], contentEncoding: fields["content-encoding"],
      messageID: fields["message-id"],
      body: fields["truncated"].flatMap(Int.init).map { .truncated(size: max($0, 0)) } ?? .bytes(body),
      maxBytes: fields["max-bytes"].flatMap(Int.init) ?? 65_536, requireKey: fields["require-key"] == "true",
      requireBaselineID: fields["require-baseline-id"] == "true")
  }
}
