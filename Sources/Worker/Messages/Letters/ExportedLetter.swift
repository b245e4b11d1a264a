package import Lifecycle
package import Store

/// A dead letter with everything that another store needs of it, as one line of JSON Lines: the fields of
/// ``DeadLetterDocument``, then what only an import reads.
package struct ExportedLetter {
  package private(set) var letter: DeadLetter
  package private(set) var replays: [Replay]

  package init(letter: DeadLetter, replays: [Replay]) {
    self.letter = letter
    self.replays = replays
  }

  package var encoded: [UInt8] {
    DeadLetterDocument.encode(letter) { json in
      json.key("stateSince")
      json.value(letter.stateSince)
      json.key("lastSeenAt")
      json.value(letter.lastSeenAt)
      if let attempt = letter.attempt {
        json.key("attempt")
        json.value(Int64(attempt))
      }
      json.key("queue")
      json.value(letter.queue)
      json.key("exchange")
      json.value(letter.exchange)
      json.key("routingKey")
      json.value(letter.routingKey)
      // Of a body that was cut the document says it.
      if letter.isReplayable {
        json.key("bodySize")
        json.value(Int64(letter.bodySize))
      }
      json.key("bodySha256Base64")
      json.value(Base64.encode(letter.bodySHA256))
      json.key("sameMessageBase64")
      json.value(Base64.encode(letter.sameMessage))
      if let original = letter.editedFrom {
        json.key("editedFrom")
        json.value(original)
      }
      json.key("replays")
      json.beginArray()
      for replay in replays { json.value(Self.fields(replay)) }
      json.endArray()
    }
  }

  package static func fields(_ replay: Replay) -> [Detail.Field] {
    var fields = [
      Detail.Field("attempt", .integer(Int64(replay.attempt))), Detail.Field("state", .text(replay.state.rawValue)),
      Detail.Field("askedBy", .text(replay.askedBy)), Detail.Field("askedAt", .text(replay.askedAt.description)),
    ]
    if let reason = replay.reason { fields.append(Detail.Field("reason", .text(reason))) }
    if let endedAt = replay.endedAt { fields.append(Detail.Field("endedAt", .text(endedAt.description))) }
    return fields
  }
}

// MARK: Reading

extension ExportedLetter {
  /// Deep enough for the deepest header table that is kept.
  private static let maxDepth = 160

  /// A line that is no letter: its field, or that it is no JSON.
  package struct Damage: Error {
    package let message: String

    package init(message: String) { self.message = message }
  }

  package init(_ line: [UInt8]) throws(Damage) {
    let document: Detail
    do throws(JSONFault) {
      document = try JSONReader.document(line, maxDepth: Self.maxDepth)
    } catch {
      throw Damage(message: "no JSON object that can be read: \(error.message) (byte \(error.offset))")
    }
    guard case .fields = document else { throw Damage(message: "no JSON object") }
    let line = Line(document)
    letter = try line.letter()
    replays = []
    for replay in try line.list("replays") { replays.append(try Line(replay, of: "replays").replay(of: letter.id)) }
    try checkWhole()
    settleReplays()
  }

  /// Whether the bytes are those that were refused, and what makes the message the same is told as it is.
  private func checkWhole() throws(Damage) {
    guard letter.body.count <= letter.bodySize else { throw Line.damage("bodySize") }
    guard !letter.isReplayable || SHA256BodyDigest.of(letter.body) == letter.bodySHA256 else {
      throw Damage(message: "bodyBase64 does not have the SHA-256 that bodySha256Base64 says; the body was changed")
    }
    guard Set(replays.map(\.attempt)).count == replays.count, replays.count <= letter.attempts else {
      throw Line.damage("replays")
    }
  }

  /// What was under way elsewhere is not under way here.
  private mutating func settleReplays() {
    if letter.state == .replaying { letter.state = .open }
    replays = replays.map { replay in
      guard replay.isRunning else { return replay }
      return Replay(
        letterID: replay.letterID, attempt: replay.attempt, state: .givenUp, askedBy: replay.askedBy,
        reason: replay.reason, askedAt: replay.askedAt, endedAt: letter.stateSince)
    }
  }
}

/// The fields of a line, read strictly.
private struct Line {
  let document: Detail
  let place: String

  init(_ document: Detail, of place: String = "") {
    self.document = document
    self.place = place
  }

  static func damage(_ name: String) -> ExportedLetter.Damage {
    ExportedLetter.Damage(message: "the field \(name) is missing or is none that 'export' writes")
  }

  private func damage(_ name: String) -> ExportedLetter.Damage {
    Self.damage(place.isEmpty ? name : "\(place).\(name)")
  }

  func optionalText(_ name: String) throws(ExportedLetter.Damage) -> String? {
    guard let value = document[name] else { return nil }
    guard let text = value.text else { throw damage(name) }
    return text
  }

  func text(_ name: String) throws(ExportedLetter.Damage) -> String {
    guard let text = try optionalText(name) else { throw damage(name) }
    return text
  }

  func list(_ name: String) throws(ExportedLetter.Damage) -> [Detail] {
    guard let list = document[name]?.list else { throw damage(name) }
    return list
  }

  private func read<Value>(
    _ name: String, _ convert: (String) -> Value?
  ) throws(ExportedLetter.Damage) -> Value {
    guard let value = convert(try text(name)) else { throw damage(name) }
    return value
  }

  private func integer(
    _ name: String, in range: ClosedRange<Int64>
  ) throws(ExportedLetter.Damage) -> Int64 {
    guard let number = document[name]?.integer, range.contains(number) else { throw damage(name) }
    return number
  }

  private func optionalInteger(
    _ name: String, in range: ClosedRange<Int64>
  ) throws(ExportedLetter.Damage) -> Int64? {
    document[name] == nil ? nil : try integer(name, in: range)
  }

  private func json(_ name: String) throws(ExportedLetter.Damage) -> String {
    guard let value = document[name] else { throw damage(name) }
    var writer = JSONWriter()
    writer.value(value)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  func letter() throws(ExportedLetter.Damage) -> DeadLetter {
    let properties = try json("properties")
    let headers = try safeHeaders(try json("headers"), properties: properties)
    let digests = (
      body: try read("bodySha256Base64", Base64.decode), message: try read("sameMessageBase64", Base64.decode)
    )
    guard digests.body.count == 32 else { throw damage("bodySha256Base64") }
    guard digests.message.count == 32 else { throw damage("sameMessageBase64") }
    return DeadLetter(
      id: try read("id") { UUID128($0) }, state: try read("state", DeadLetterState.init(rawValue:)),
      stateSince: try read("stateSince") { Timestamp(rfc3339: $0) }, command: try text("command"),
      code: try read("code", RejectionCode.init(rawValue:)), message: try text("message"), details: try json("details"),
      serverID: try optionalInteger("serverId", in: 1...maxIdentifier).map(ServerID.init),
      clientID: try optionalInteger("clientId", in: 0...maxIdentifier).map(ClientID.init),
      operation: try optionalText("operationUuid"),
      attempt: try optionalInteger("attempt", in: 1...1000).map { Int($0) }, actor: try optionalText("actor"),
      receivedAt: try read("receivedAt") { Timestamp(rfc3339: $0) },
      lastSeenAt: try read("lastSeenAt") { Timestamp(rfc3339: $0) },
      count: Int(try integer("count", in: 1...maxIdentifier)),
      attempts: Int(try integer("attempts", in: 0...maxIdentifier)), queue: try text("queue"),
      exchange: try text("exchange"), routingKey: try text("routingKey"), body: try read("bodyBase64", Base64.decode),
      bodySize: Int(try integer("bodySize", in: 0...maxIdentifier)), bodySHA256: digests.body, properties: properties,
      headers: headers, sameMessage: digests.message,
      editedFrom: document["editedFrom"] == nil ? nil : try read("editedFrom") { UUID128($0) })
  }

  /// The headers, without what must never be stored, and only if a replay could send them.
  private func safeHeaders(_ headers: String, properties: String) throws(ExportedLetter.Damage) -> String {
    do throws(JSONFault) {
      let read = try TypedProperties.decode(
        .init(properties: Array(properties.utf8), headers: Array(headers.utf8)))
      return String(decoding: TypedProperties.encode(read).headers ?? Array("[]".utf8), as: UTF8.self)
    } catch {
      throw ExportedLetter.Damage(message: "properties or headers are none that 'export' writes: \(error.message)")
    }
  }

  func replay(of letter: UUID128) throws(ExportedLetter.Damage) -> Replay {
    let state = try read("state", ReplayState.init(rawValue:))
    let endedAt = document["endedAt"] == nil ? nil : try read("endedAt") { Timestamp(rfc3339: $0) }
    let isRunning = state == .asked || state == .published
    guard isRunning == (endedAt == nil) else { throw damage("endedAt") }
    return Replay(
      letterID: letter, attempt: Int(try integer("attempt", in: 1...maxIdentifier)), state: state,
      askedBy: try text("askedBy"), reason: try optionalText("reason"),
      askedAt: try read("askedAt") { Timestamp(rfc3339: $0) }, endedAt: endedAt)
  }
}
