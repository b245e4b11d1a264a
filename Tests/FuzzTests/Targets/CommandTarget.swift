import Lifecycle

@testable import Worker

/// Messages from a command queue, through the decoder.
///
/// Of a command: every body that means the same is the same command, with the same key and fingerprint; attempt and
/// deadline are not part of the fingerprint; everything else is. Of a refusal: it has a code that the contract knows for
/// the message itself, names what is wrong, repeats no value, stays short, and white space does not change it.
enum CommandTarget {
  /// In a value, never in a name: no refusal may repeat it.
  static let canary = "hunter2-canary"
  private static let maxRefusalBytes = 2_000
  private static let codes: Set<RejectionCode> = [
    .malformedJSON, .invalidField, .unknownField, .tooLarge, .unsupportedContent, .missingOperationUUID, .misrouted,
  ]
  private static let properties: Set<String> = ["exchange", "routing-key", "type", "content-type", "content-encoding"]

  static func check(_ input: [UInt8]) throws(Violation) -> String {
    let envelope = CommandInput(input).envelope
    var dice = Dice(input)
    switch CommandDecoder.decode(envelope) {
    case .success(let message):
      try checkAccepted(message, envelope, &dice)
      return "accepted"
    case .failure(let refusal):
      try checkRefused(refusal, envelope, &dice)
      return "\(refusal.rejection.code.rawValue) \(refusal.rejection.details.first?.value.text ?? "")"
    }
  }

  // MARK: A command

  private static func checkAccepted(
    _ message: CommandMessage, _ envelope: CommandEnvelope, _ dice: inout Dice
  ) throws(Violation) {
    guard case .bytes(let body) = envelope.body, let members = JSONMembers(body) else {
      throw Violation("what was accepted is no JSON object")
    }
    try require(body.count <= envelope.maxBytes, "a body over the limit was accepted")
    try require(
      message.key != nil || !envelope.requireKey && envelope.command != .allocate,
      "a command without its key was accepted")

    var same = envelope
    same.maxBytes = .max
    same.body = .bytes(rewritten(members, envelope.command, &dice))
    if let id = same.messageID, UUID128(id) != nil {
      same.messageID = dice.once(in: 2) ? id.uppercased() : id.lowercased()
    }
    let read = try accepted(same, "the same, written in another way")
    try require(read == message, "the same, written in another way, is another command: \(read) instead of \(message)")

    var later = members
    later["attempt"] = Array(String(Int.random(in: 1...1000, using: &dice)).utf8)
    later["notAfter"] = JSONMembers.token("2031-05-06T07:08:09.123Z")
    // Written with escapes in its own body, it would be there twice.
    if later.members.count == Set(later.members.map { plain($0.name) }).count {
      same.body = .bytes(later.text(&dice))
      let again = try accepted(same, "the same with another attempt and deadline")
      try require(again.command == message.command, "another attempt is another command")
      try require(again.fingerprint == message.fingerprint, "attempt or notAfter is part of the fingerprint")
    }
    try checkFingerprint(message, envelope)
  }

  private static func accepted(_ envelope: CommandEnvelope, _ what: String) throws(Violation) -> CommandMessage {
    switch CommandDecoder.decode(envelope) {
    case .success(let message): return message
    case .failure(let refusal):
      let body = if case .bytes(let bytes) = envelope.body { String(decoding: bytes, as: UTF8.self) } else { "" }
      throw Violation("\(what), is refused: \(refusal.rejection.message) \(body)")
    }
  }

  private static func plain(_ token: [UInt8]) -> [UInt8] {
    (try? JSONReader.document(token))?.text.map { Array($0.utf8) } ?? token
  }

  /// Another order, escapes, white space, `null` for what is not there, defaults written out, UUIDs in the other case.
  private static func rewritten(_ members: JSONMembers, _ command: CommandName, _ dice: inout Dice) -> [UInt8] {
    var result = members
    let given = Set(members.members.map { plain($0.name) })
    let defaults = ["attempt": "1", "overflow": "false", "state": "\"new\"", "contractId": "\"\""]
    for name in CommandFieldSet.allowed(for: command).names where !given.contains(Array(name.utf8)) {
      if dice.once(in: 2) { result[name] = Array((defaults[name] ?? "null").utf8) }
    }
    result.members = result.members.map { member in
      let isUUID = ["operationUuid", "allocationId", "baselineId"].contains {
        plain(member.name) == Array($0.utf8)
      }
      var value = member.value
      if isUUID, value != Array("null".utf8), !value.contains(UInt8(ascii: "\\")) {
        let text = String(decoding: value, as: UTF8.self)
        value = Array((dice.once(in: 2) ? text.uppercased() : text.lowercased()).utf8)
      }
      return .init(name: JSONMembers.escaped(member.name, &dice), value: JSONMembers.escaped(value, &dice))
    }
    result.members.shuffle(using: &dice)
    return result.text(&dice)
  }

  private static func checkFingerprint(_ message: CommandMessage, _ envelope: CommandEnvelope) throws(Violation) {
    let form = CanonicalBody(message.command, ifVersion: message.ifVersion)
    try require(form.fingerprint == message.fingerprint, "the fingerprint is not that of the canonical form")
    let (command, body) = try CanonicalReader.read(form.bytes)
    try require(command == envelope.command.rawValue, "the canonical form is of another command")
    var again = envelope
    again.maxBytes = .max
    again.messageID = "fuzz"
    again.body = .bytes(body)
    let read = try accepted(again, "the canonical form as a body")
    try require(
      read.command == message.command && read.ifVersion == message.ifVersion,
      "the canonical form says something else: \(read) instead of \(message)")
    try require(read.fingerprint == message.fingerprint, "the canonical form has another fingerprint")
  }

  // MARK: A refusal

  private static func checkRefused(
    _ refusal: Refusal, _ envelope: CommandEnvelope, _ dice: inout Dice
  ) throws(Violation) {
    let rejection = refusal.rejection
    try require(codes.contains(rejection.code), "a message is never refused as \(rejection.code.rawValue)")
    try require(
      rejection.details.prefix(3).map(\.name) == ["path", "kind", "allowed"], "the details are \(rejection.details)")
    let path = rejection.details[0].value.text ?? ""
    try require(isPath(path, of: rejection.code, envelope.command), "\(rejection.code.rawValue) names \(path)")
    let kind = rejection.details[1].value.text.flatMap(JSONKind.init(rawValue:))
    try require(kind != nil, "there is no kind \(rejection.details[1].value)")
    switch rejection.details[2].value {
    case .text(let text): try require(!text.isEmpty, "nothing is said of what is allowed")
    case .list(let list): try require(!list.isEmpty, "nothing is said of what is allowed")
    case .null, .boolean, .integer, .fields: throw Violation("what is allowed is no text and no list")
    }
    try checkSalvage(refusal)

    var json = JSONWriter()
    json.value(rejection.details)
    try require(
      json.bytes.count + rejection.message.utf8.count <= maxRefusalBytes, "a refusal of \(json.bytes.count) bytes")
    let readBack = try? JSONReader.document(json.bytes)
    try require(readBack == .fields(rejection.details), "the details do not come back from JSON")

    guard case .bytes(let body) = envelope.body else { return }
    let members = (try? JSONReader.object(body)) == nil ? nil : JSONMembers(body)
    let names = members.map { $0.members.map { String(decoding: plain($0.name), as: UTF8.self) }.joined() }
    if let names, !names.contains(canary), envelope.command.rawValue != canary {
      let said = rejection.message + String(decoding: json.bytes, as: UTF8.self)
      try require(!said.contains(canary), "a value is repeated in: \(said)")
    }
    guard let members, body.count <= envelope.maxBytes else { return }
    var spaced = envelope
    spaced.body = .bytes(members.text(&dice))
    spaced.maxBytes = .max
    guard case .failure(let again) = CommandDecoder.decode(spaced) else {
      throw Violation("white space makes a refused message a command")
    }
    try require(again == refusal, "white space changes the refusal: \(again) instead of \(refusal)")
  }

  private static func isPath(_ path: String, of code: RejectionCode, _ command: CommandName) -> Bool {
    let fields = CommandFieldSet.allowed(for: command).names
    return switch code {
    case .invalidField: fields.contains(path) || path == "message-id"
    case .missingOperationUUID: path == "operationUuid"
    case .misrouted, .unsupportedContent: properties.contains(path)
    case .tooLarge: path == "body"
    // Names that the sender chose, shortened; the empty name is one too.
    case .malformedJSON, .unknownField: path.unicodeScalars.count <= 65
    default: false
    }
  }

  private static func checkSalvage(_ refusal: Refusal) throws(Violation) {
    if let server = refusal.serverID {
      try require((1...maxIdentifier).contains(server.rawValue), "salvaged a serverId of \(server.rawValue)")
    }
    if let client = refusal.clientID {
      try require((1...maxIdentifier).contains(client.rawValue), "salvaged a clientId of \(client.rawValue)")
    }
    if let operation = refusal.operation {
      try require((1...255).contains(operation.utf8.count), "salvaged an operation of \(operation.utf8.count) bytes")
    }
  }
}
