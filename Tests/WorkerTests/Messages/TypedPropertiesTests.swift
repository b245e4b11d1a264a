import AMQP
import Foundation
import Lifecycle
import Testing
import Worker

@Suite struct TypedPropertiesTests {
  static let everyValue: [FieldValue] = [
    .boolean(true), .boolean(false), .int8(.min), .int8(.max), .uint8(.max), .int16(.min), .uint16(.max), .int32(.min),
    .uint32(.max), .int64(0), .int64(.min), .int64(.max), .int64(9_007_199_254_740_991), .int64(-9_007_199_254_740_992),
    .uint64(0), .uint64(.max), .timestamp(0), .timestamp(1_795_452_727), .timestamp(.max), .float(0), .float(-0.0),
    .float(1.1), .float(.leastNonzeroMagnitude), .float(.greatestFiniteMagnitude), .float(.infinity),
    .float(-.infinity), .double(-0.0), .double(0.1), .double(.leastNonzeroMagnitude), .double(.greatestFiniteMagnitude),
    .double(.infinity), .double(-.infinity), .decimal(scale: 0, value: 0), .decimal(scale: 255, value: .max), .void,
    .string(""), .string("é𝄞\u{0}\n\""), .string([0xFF, 0x00, 0xC0]), .string([0xED, 0xA0, 0x80]), .byteArray([]),
    .byteArray([0]), .byteArray([1, 2]), .byteArray(Array(0...255)), .array([]), .table([:]),
    .array([.void, .array([.int8(1), .table(["x": .array([.string("y")])])]), .boolean(true)]),
    .table(
      FieldTable([
        .init(key: "a", value: .int32(1)), .init(key: "a", value: .string("b")), .init(key: "", value: .void),
      ])),
  ]

  private func roundTrip(_ properties: Properties) throws -> Properties {
    let encoded = TypedProperties.encode(properties)
    _ = try JSONSerialization.jsonObject(with: Data(encoded.properties))
    if let headers = encoded.headers { _ = try JSONSerialization.jsonObject(with: Data(headers)) }
    return try TypedProperties.decode(encoded)
  }

  @Test(arguments: everyValue) func everyTypeComesBack(_ value: FieldValue) throws {
    let properties = Properties(headers: ["k": value])
    let back = try roundTrip(properties)
    #expect(back == properties)
    // -0.0 equals 0.0: look at the bits too.
    #expect("\(back)" == "\(properties)")
  }

  @Test func notANumberComesBackBitByBit() throws {
    for bits in [0x7FC0_0000, 0xFFC0_0001, 0x7F80_0001] as [UInt32] {
      guard
        case .float(let back)? = try roundTrip(Properties(headers: ["k": .float(Float(bitPattern: bits))])).headers?[
          "k"]
      else {
        Issue.record("no float")
        return
      }
      #expect(back.bitPattern == bits)
    }
    for bits in [0x7FF8_0000_0000_0000, 0xFFF8_0000_0000_0001, 0x7FF0_0000_0000_0001] as [UInt64] {
      let value = FieldValue.double(Double(bitPattern: bits))
      guard case .double(let back)? = try roundTrip(Properties(headers: ["k": value])).headers?["k"] else {
        Issue.record("no double")
        return
      }
      #expect(back.bitPattern == bits)
    }
  }

  @Test func everyPropertyComesBack() throws {
    let all = Properties(
      contentType: "application/json", contentEncoding: "utf-8", headers: [:], deliveryMode: 2, priority: 255,
      correlationID: "c\"\u{0}", replyTo: "amq.rabbitmq.reply-to", expiration: "60000", messageID: "m",
      timestamp: .max, type: "isolate", userID: "guest", appID: "a", clusterID: "")
    #expect(try roundTrip(all) == all)
    #expect(try roundTrip(Properties()) == Properties())
    #expect(TypedProperties.encode(Properties()) == TypedProperties.Encoded(properties: Array("{}".utf8), headers: nil))
  }

  @Test func theForm() {
    let encoded = TypedProperties.encode(
      Properties(
        headers: [
          "x-n": .int64(5), "big": .uint64(.max), "d": .decimal(scale: 2, value: 314), "b": .string([0xFF]),
          "l": .array([.double(0.5)]), "t": .table(["k": .void]),
        ], deliveryMode: 2, timestamp: 7))
    #expect(String(decoding: encoded.properties, as: UTF8.self) == #"{"deliveryMode":2,"timestamp":7}"#)
    #expect(
      encoded.headers.map { String(decoding: $0, as: UTF8.self) }
        == #"[{"name":"x-n","type":"int64","value":5},{"name":"big","type":"uint64","value":"18446744073709551615"},"#
        + #"{"name":"d","type":"decimal","value":{"scale":2,"value":314}},"#
        + #"{"name":"b","type":"string-base64","value":"/w=="},"#
        + #"{"name":"l","type":"array","value":[{"type":"double","value":"0.5"}]},"#
        + #"{"name":"t","type":"table","value":[{"name":"k","type":"void","value":null}]}]"#)
  }

  @Test func theKeyIsNeverWritten() throws {
    let properties = Properties(
      headers: ["X-Api-Key": "hunter2", "x-api-key": .byteArray(Array("hunter2".utf8)), "x-api-keys": "kept"])
    let encoded = TypedProperties.encode(properties)
    #expect(encoded.headers.map { String(decoding: $0, as: UTF8.self).contains("hunter2") } == false)
    #expect(try TypedProperties.decode(encoded).headers == ["x-api-keys": "kept"])
  }

  @Test func asDeepAsTablesGo() throws {
    var value = FieldValue.void
    for level in 0..<FieldTable.maxDepth - 1 { value = level % 2 == 0 ? .table(["k": value]) : .array([value]) }
    let properties = Properties(headers: ["k": value])
    #expect(try roundTrip(properties) == properties)
  }

  @Test(arguments: [
    "{}", "[1]", "[{}]", #"[{"name":"a","type":"int8","value":128}]"#, #"[{"name":"a","type":"other","value":1}]"#,
    #"[{"name":"a","type":"int8"}]"#, #"[{"name":"a","type":"byteArray","value":"A==="}]"#,
    #"[{"name":"a","type":"float","value":"x"}]"#, #"[{"name":"a","type":"void","value":1}]"#,
    #"[{"type":"void","value":null}]"#, #"[{"name":"a","type":"decimal","value":{"scale":256,"value":1}}]"#,
  ]) func otherBytesAreFaults(_ headers: String) {
    let encoded = TypedProperties.Encoded(properties: Array("{}".utf8), headers: Array(headers.utf8))
    #expect(throws: JSONFault.self) { try TypedProperties.decode(encoded) }
  }

  @Test func base64() throws {
    for length in 0..<70 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ length) }
      #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString())
      #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }
    for text in ["A", "AA", "AAA", "A===", "====", "AA=A", "AA==AA==", "AB==", "AAB=", "A A=", "AA-_", "AAAA="] {
      #expect(Base64.decode(text) == nil, "\(text)")
    }
  }
}

@Suite struct MessageIdentityTests {
  private static let properties = Properties(
    contentType: "application/json", headers: ["a": .int32(1), "b": "x"], messageID: "m", timestamp: 7)
  private static let body = Body.whole(Array("{}".utf8))

  private func identity(
    _ queue: String = "q", _ body: Body = body, _ change: (inout Properties) -> Void = { _ in }
  ) -> MessageIdentity {
    var properties = Self.properties
    change(&properties)
    return MessageIdentity(queue: queue, properties: properties, body: body)
  }

  @Test func whatTheBrokerAddsDoesNotMatter() throws {
    let plain = identity()
    #expect(plain.bytes.count == 32)
    #expect(identity { $0.headers?["x-delivery-count"] = .int64(3) } == plain)
    #expect(identity { $0.headers?["x-acquired-count"] = .int64(3) } == plain)
    #expect(identity { $0.headers?["X-API-Key"] = "k" } == plain)
    #expect(identity { $0.headers = ["b": "x", "a": .int32(1)] } == plain)
    #expect(identity { $0.headers = nil } == identity { $0.headers = ["x-delivery-count": .int64(1)] })
    #expect(identity { $0.headers = nil } == identity { $0.headers = ["x-api-key": "k"] })
    var stored = Self.properties
    stored.headers?["x-api-key"] = "k"
    stored = try TypedProperties.decode(TypedProperties.encode(stored))
    #expect(MessageIdentity(queue: "q", properties: stored, body: Self.body) == plain)
  }

  @Test func everythingElseDoes() {
    var all: Set<MessageIdentity> = []
    let changes: [MessageIdentity] = [
      identity(), identity("r"), identity("q", .whole(Array("{ }".utf8))), identity("q", .whole([])),
      identity { $0.messageID = "n" }, identity { $0.messageID = nil }, identity { $0.timestamp = 8 },
      identity { $0.headers?["a"] = .int64(1) }, identity { $0.headers?["a"] = nil }, identity { $0.headers = nil },
      identity { $0.headers?["c"] = .void }, identity { $0.type = "" }, identity { $0.replyTo = "r" },
    ]
    for identity in changes { #expect(all.insert(identity).inserted) }
  }

  @Test func aTruncatedBodyCountsByItsDigest() {
    let bytes = [UInt8](repeating: 7, count: 100_000)
    var digest = SHA256BodyDigest()
    bytes.withUnsafeBytes {
      digest.update(UnsafeRawBufferPointer(rebasing: $0[..<33_333]))
      digest.update(UnsafeRawBufferPointer(rebasing: $0[33_333...]))
    }
    let finished = digest.finalize()
    #expect(finished == SHA256BodyDigest.of(bytes))
    #expect(
      identity("q", .truncated(prefix: [7], size: 100_000, digest: finished)) == identity("q", .whole(bytes)))
  }

  /// FIPS 180-4, the example of one block.
  @Test func isSHA256() {
    #expect(
      SHA256BodyDigest.of(Array("abc".utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }
}
