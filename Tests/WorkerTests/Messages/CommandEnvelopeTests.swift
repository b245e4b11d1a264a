import Lifecycle
import Testing
import Worker

/// What surrounds the body: origin, content type, size, and the key.
@Suite struct CommandEnvelopeTests {
  private static let body = Array(#"{"serverId":42,"operationUuid":"\#(Decoding.uuid)"}"#.utf8)

  private static func decode(
    _ change: (inout CommandEnvelope) -> Void, body: [UInt8] = body
  ) -> Result<CommandMessage, Refusal> {
    var envelope = Decoding.envelope(.unisolate, body)
    change(&envelope)
    return CommandDecoder.decode(envelope)
  }

  @Test func misrouted() {
    let cases: [(String, (inout CommandEnvelope) -> Void)] = [
      ("exchange", { $0.exchange = "" }), ("exchange", { $0.exchange = "server.Commands" }),
      ("exchange", { $0.namespace = "other" }), ("routing-key", { $0.routingKey = "isolate" }),
      ("routing-key", { $0.routingKey = "server.commands.unisolate" }), ("type", { $0.type = "isolate" }),
      ("type", { $0.type = "Unisolate" }),
    ]
    for (path, change) in cases {
      let refusal = Self.decode(change).refusal
      #expect(refusal?.rejection.code == .misrouted)
      #expect(refusal?.rejection.path == .text(path))
      #expect(refusal?.serverID == ServerID(42))
      #expect(refusal?.operation == Decoding.uuid)
    }
    #expect(Self.decode { $0.type = "unisolate" }.message != nil)
    #expect(Self.decode { $0.type = "" }.message != nil)
    #expect(Self.decode { ($0.namespace, $0.exchange) = ("a.b", "a.b.commands") }.message != nil)
  }

  @Test(arguments: [
    "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=UTF-8",
    "application/json ; Charset=\"utf-8\"", "",
  ]) func contentTypes(_ type: String) {
    #expect(Self.decode { $0.contentType = type }.message != nil)
  }

  @Test(arguments: [
    "text/plain", "application/octet-stream", "application/jsonx", "application/json; charset=latin1",
    "application/json; charset=utf-8; q=1", "application/json;", "application/json; version=1", "json",
    "application/cloudevents+json", ";", "application/json, application/json",
  ]) func otherContentTypes(_ type: String) {
    let refusal = Self.decode { $0.contentType = type }.refusal
    #expect(refusal?.rejection.code == .unsupportedContent)
    #expect(refusal?.rejection.path == .text("content-type"))
    #expect(refusal?.rejection.kind == .text("string"))
    #expect(refusal?.serverID == ServerID(42))
  }

  @Test func contentEncodings() {
    for encoding in ["utf-8", "UTF-8", "identity", "Identity", ""] {
      #expect(Self.decode { $0.contentEncoding = encoding }.message != nil)
    }
    for encoding in ["gzip", "utf8", "identity, gzip", "utf-16", " utf-8"] {
      let rejection = Self.decode { $0.contentEncoding = encoding }.refusal?.rejection
      #expect(rejection?.code == .unsupportedContent)
      #expect(rejection?.path == .text("content-encoding"))
    }
  }

  @Test func tooLarge() {
    #expect(Self.decode { $0.maxBytes = Self.body.count }.message != nil)
    let refusal = Self.decode {
      $0.maxBytes = Self.body.count - 1
      $0.messageID = "m"
    }.refusal
    #expect(refusal?.rejection.code == .tooLarge)
    #expect(refusal?.rejection.path == .text("body"))
    #expect(refusal?.rejection.kind == .text("bytes"))
    #expect(refusal?.rejection.detail("size") == .integer(Int64(Self.body.count)))
    #expect(refusal?.rejection.detail("maxBytes") == .integer(Int64(Self.body.count - 1)))
    #expect(refusal?.operation == "m")
    let truncated = Self.decode { $0.body = .truncated(size: 20_000_000) }.refusal
    #expect(truncated?.rejection.code == .tooLarge)
    #expect(truncated?.rejection.detail("size") == .integer(20_000_000))
  }

  @Test func orderOfChecks() {
    let all = Self.decode {
      $0.type = "x"
      $0.contentType = "x"
      $0.maxBytes = 1
    }
    #expect(all.code == .misrouted)
    #expect(
      Self.decode {
        $0.contentType = "x"
        $0.maxBytes = 1
      }.code == .unsupportedContent)
    #expect(Self.decode({ $0.maxBytes = 1 }, body: Array("{{".utf8)).code == .tooLarge)
  }

  @Test func keys() throws {
    let bare = Array(#"{"serverId":42}"#.utf8)
    #expect(try Self.decode({ _ in }, body: bare).get().key == nil)
    #expect(try Self.decode({ $0.messageID = "" }, body: bare).get().key == nil)
    let required = Self.decode({ $0.requireKey = true }, body: bare).refusal
    #expect(required?.rejection.code == .missingOperationUUID)
    #expect(required?.rejection.path == .text("operationUuid"))
    #expect(required?.serverID == ServerID(42))
    let command = Command.onServer(ServerID(42), .unisolate)
    let uuid = try #require(UUID128(Decoding.uuid))
    let longest = String(repeating: "m", count: 255)
    #expect(
      try Self.decode({ ($0.requireKey, $0.messageID) = (true, longest) }, body: bare).get().key
        == OperationKey(command, id: .messageID(longest)))
    #expect(
      try Self.decode({ $0.messageID = Decoding.uuid.uppercased() }, body: bare).get().key
        == OperationKey(command, id: .uuid(uuid)))
    #expect(
      try Self.decode({ $0.messageID = "other" }).get().key == OperationKey(command, id: .uuid(uuid)),
      "operationUuid goes first")
    let tooLong = Self.decode({ $0.messageID = longest + "m" }, body: bare).refusal
    #expect(tooLong?.rejection.code == .invalidField)
    #expect(tooLong?.rejection.path == .text("message-id"))
    #expect(try Self.decode({ $0.messageID = longest + "m" }).get().key != nil, "it is not used")
  }

  @Test func whatIsSalvaged() {
    let refusal = Decoding.decode(
      .deallocate, #"{"serverId":42,"clientId":7,"x":1}"#, messageID: Decoding.uuid.uppercased()
    ).refusal
    #expect(refusal?.serverID == ServerID(42))
    #expect(refusal?.clientID == ClientID(7))
    #expect(refusal?.operation == Decoding.uuid)
    let wrong = Decoding.decode(.deallocate, #"{"serverId":0,"clientId":"7","operationUuid":8}"#).refusal
    #expect(wrong?.serverID == nil)
    #expect(wrong?.clientID == nil)
    #expect(wrong?.operation == nil)
    #expect(Decoding.decode(.deallocate, "{", messageID: "m").refusal?.operation == "m")
  }
}
