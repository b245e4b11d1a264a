import Lifecycle
import Testing
import Worker

/// A way to decode bodies as if they had come in properly.
enum Decoding {
  static let uuid = "0191d6e2-7b1a-7c3e-9f40-0123456789ab"

  static func envelope(_ command: CommandName, _ body: [UInt8], messageID: String? = nil) -> CommandEnvelope {
    CommandEnvelope(
      command: command, exchange: "server.commands", routingKey: command.rawValue, namespace: "server",
      messageID: messageID, body: .bytes(body))
  }

  static func decode(
    _ command: CommandName, _ json: String, messageID: String? = nil
  ) -> Result<CommandMessage, Refusal> {
    CommandDecoder.decode(envelope(command, Array(json.utf8), messageID: messageID))
  }
}

extension Rejection {
  func detail(_ name: String) -> Detail? { details.first { $0.name == name }?.value }
  var path: Detail? { detail("path") }
  var kind: Detail? { detail("kind") }
}

extension Result where Success == CommandMessage, Failure == Refusal {
  var refusal: Refusal? { if case .failure(let refusal) = self { refusal } else { nil } }
  var message: CommandMessage? { if case .success(let message) = self { message } else { nil } }
  var code: RejectionCode? { refusal?.rejection.code }
}

/// A field of a command with texts that it takes and texts that it does not, all as JSON.
struct FieldSample: Sendable {
  let name: String
  var isRequired = false
  let valid: [String]
  /// With the kind that the refusal names.
  let invalid: [(json: String, kind: String)]
  /// Whether `null` is a value of its own.
  var nullHasMeaning = false

  func required() -> FieldSample {
    var copy = self
    copy.isRequired = true
    return copy
  }

  static func id(_ name: String, from lowest: Int = 1) -> FieldSample {
    FieldSample(
      name: name, valid: ["\(lowest)", "7", "9007199254740991"],
      invalid: [
        ("\(lowest - 1)", "integer"), ("9007199254740992", "integer"), ("-9223372036854775808", "integer"),
        ("9223372036854775808", "number"), ("1.0", "number"), ("1e3", "number"), ("\"7\"", "string"),
        ("true", "boolean"), ("[7]", "array"), ("{\"a\":7}", "object"),
      ])
  }

  static func uuid(_ name: String) -> FieldSample {
    FieldSample(
      name: name,
      valid: ["\"\(Decoding.uuid)\"", "\"\(Decoding.uuid.uppercased())\"", "\"\\u0030\(Decoding.uuid.dropFirst())\""],
      invalid: [
        ("\"\"", "string"), ("\"\(Decoding.uuid.dropLast())\"", "string"), ("\"{\(Decoding.uuid)}\"", "string"),
        ("\"0191d6e27b1a7c3e9f400123456789ab\"", "string"), ("7", "integer"), ("false", "boolean"), ("[]", "array"),
        ("{}", "object"), ("0.5", "number"),
      ])
  }

  static func text(_ name: String, upTo most: Int, mayBeEmpty: Bool) -> FieldSample {
    let wide = String(repeating: "𝄞", count: most)
    return FieldSample(
      name: name,
      valid: ["\"a\"", "\"\(wide)\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud834\\udd1e\""]
        + (mayBeEmpty ? ["\"\""] : []),
      invalid: [
        ("\"\(wide)x\"", "string"), ("\"a\\u0000b\"", "string"), ("7", "integer"), ("true", "boolean"), ("[]", "array"),
        ("{}", "object"), ("1.5", "number"),
      ] + (mayBeEmpty ? [] : [("\"\"", "string")]))
  }

  static func word(_ name: String, _ words: [String]) -> FieldSample {
    FieldSample(
      name: name, valid: words.map { "\"\($0)\"" },
      invalid: [
        ("\"\"", "string"), ("\"\(words[0].uppercased())\"", "string"), ("\"\(words[0]) \"", "string"),
        ("0", "integer"), ("true", "boolean"), ("[\"\(words[0])\"]", "array"), ("{}", "object"), ("1e0", "number"),
      ])
  }

  static func time(_ name: String) -> FieldSample {
    FieldSample(
      name: name,
      valid: ["\"2026-11-23T16:52:07Z\"", "\"2026-11-23t16:52:07.123456789+05:30\"", "\"2024-02-29T23:59:60Z\""],
      invalid: [
        ("\"\"", "string"), ("\"2026-11-23\"", "string"), ("\"2026-02-29T00:00:00Z\"", "string"),
        ("\"2026-11-23T16:52:07\"", "string"), ("\"2026-11-23T24:00:00Z\"", "string"), ("1764000000", "integer"),
        ("1.5", "number"), ("true", "boolean"), ("[]", "array"), ("{}", "object"),
      ])
  }

  static let contract = FieldSample(
    name: "contractId",
    valid: ["\"\"", "\"JD-NB2UU6VX732\"", "\"A_b.\"".uppercased(), "\"\(String(repeating: "A", count: 240))\""],
    invalid: [
      ("\"jd\"", "string"), ("\"A B\"", "string"), ("\"Ä\"", "string"), ("\"A\\u0000\"", "string"),
      ("\"\(String(repeating: "A", count: 241))\"", "string"), ("7", "integer"), ("true", "boolean"), ("[]", "array"),
      ("{}", "object"), ("1.5", "number"),
    ])

  static let overflow = FieldSample(
    name: "overflow", valid: ["true", "false"],
    invalid: [("0", "integer"), ("\"true\"", "string"), ("[]", "array"), ("{}", "object"), ("1.0", "number")])

  static let limit = FieldSample(
    name: "limit", isRequired: true, valid: ["0", "32767", "null"],
    invalid: [
      ("-1", "integer"), ("32768", "integer"), ("1.0", "number"), ("\"5\"", "string"), ("true", "boolean"),
      ("[]", "array"), ("{}", "object"),
    ], nullHasMeaning: true)

  static let attempt = FieldSample(
    name: "attempt", valid: ["1", "1000"],
    invalid: [
      ("0", "integer"), ("1001", "integer"), ("1.0", "number"), ("\"1\"", "string"), ("true", "boolean"),
      ("[]", "array"), ("{}", "object"),
    ])

  static let subState = word("subState", SubState.allCases.map(\.rawValue))
  static let reason = text("reason", upTo: 1000, mayBeEmpty: true)
  static let caseID = text("caseId", upTo: 200, mayBeEmpty: false)
  static let serverName = text("name", upTo: 200, mayBeEmpty: false)
}

/// A command with a body that is complete, and what its fields take.
struct CommandSample: Sendable, CustomTestStringConvertible {
  let command: CommandName
  var title = ""
  /// Fields in order, as JSON; every one that the command has, as long as they fit together.
  let body: [(name: String, json: String)]
  let fields: [FieldSample]

  var testDescription: String { command.rawValue + title }

  /// The body with some fields set to other texts; `nil` leaves one out.
  func json(_ changes: [String: String?] = [:], extra: String = "") -> String {
    var parts: [String] = []
    for (name, json) in body {
      if let change = changes[name] {
        if let change { parts.append("\"\(name)\":\(change)") }
      } else {
        parts.append("\"\(name)\":\(json)")
      }
    }
    for (name, change) in changes where !body.contains(where: { $0.name == name }) {
      if let change { parts.append("\"\(name)\":\(change)") }
    }
    if !extra.isEmpty { parts.append(extra) }
    return "{" + parts.joined(separator: ",") + "}"
  }

  func decode(_ changes: [String: String?] = [:], extra: String = "") -> Result<CommandMessage, Refusal> {
    Decoding.decode(command, json(changes, extra: extra))
  }

  private static let common: [FieldSample] = [.uuid("operationUuid"), .attempt, .time("notAfter")]
  private static let onServer: [FieldSample] = common + [.id("ifVersion"), .id("serverId").required()]
  private static let commonBody = [
    ("operationUuid", "\"\(Decoding.uuid)\""), ("attempt", "2"), ("notAfter", "\"2030-01-01T00:00:00Z\""),
  ]
  private static let onServerBody = [("serverId", "42"), ("ifVersion", "3")] + commonBody
  private static let other = "\"11111111-2222-4333-8444-555555555555\""

  static let all: [CommandSample] = [
    CommandSample(
      command: .allocate,
      body: [
        ("locationId", "18"), ("instanceTypeId", "126"), ("clientId", "12345"), ("contractId", "\"JD-1\""),
        ("overflow", "true"),
      ] + commonBody,
      fields: [
        .id("locationId").required(), .id("instanceTypeId").required(), .id("clientId").required(), .contract,
        .overflow,
      ] + common.map { $0.name == "operationUuid" ? $0.required() : $0 }),
    CommandSample(
      command: .deallocate, body: [("clientId", "9"), ("allocationId", other)] + onServerBody,
      fields: [.id("clientId").required(), .uuid("allocationId")] + onServer),
    CommandSample(
      command: .compensate, body: [("clientId", "9"), ("allocationId", other), ("reason", "\"r\"")] + onServerBody,
      fields: [.id("clientId").required(), .uuid("allocationId"), .reason] + onServer),
    CommandSample(
      command: .isolate,
      body: [("subState", "\"brokenHardware\""), ("reason", "\"r\""), ("baselineId", other)] + onServerBody,
      fields: [.subState.required(), .reason, .uuid("baselineId")] + onServer),
    CommandSample(command: .unisolate, body: onServerBody, fields: onServer),
    CommandSample(
      command: .available, body: [("baselineId", other)] + onServerBody, fields: [.uuid("baselineId")] + onServer),
    CommandSample(
      command: .quarantine, body: [("caseId", "\"c\""), ("reason", "\"r\"")] + onServerBody,
      fields: [.caseID, .reason] + onServer),
    CommandSample(
      command: .unquarantine,
      body: [("outcome", "\"restore\""), ("reason", "\"r\""), ("caseId", "\"c\"")] + onServerBody,
      fields: [
        .word("outcome", ["restore", "baseline"]).required(),
        .text("reason", upTo: 1000, mayBeEmpty: false).required(), .caseID,
      ] + onServer),
    CommandSample(
      command: .enroll, title: " allocated",
      body: [
        ("serverId", "42"), ("locationId", "18"), ("instanceTypeId", "126"), ("name", "\"n\""),
        ("state", "\"allocated\""), ("reason", "\"r\""), ("clientId", "9"), ("contractId", "\"C\""),
        ("quotaType", "\"onDemand\""), ("since", "\"2020-01-01T00:00:00Z\""),
      ] + commonBody,
      fields: [
        .id("serverId").required(), .id("locationId").required(), .id("instanceTypeId").required(), .serverName,
        .reason, .id("clientId").required(), .contract, .word("quotaType", ["onDemand"]), .time("since"),
      ] + common),
    CommandSample(
      command: .enroll, title: " isolated",
      body: [
        ("serverId", "42"), ("locationId", "18"), ("instanceTypeId", "126"), ("name", "\"n\""),
        ("state", "\"isolated\""), ("subState", "\"excluded\""), ("reason", "\"r\""),
      ] + commonBody,
      fields: [.id("serverId").required(), .serverName, .subState.required(), .reason] + common),
    CommandSample(
      command: .enroll, title: " without more",
      body: [("serverId", "42"), ("locationId", "18"), ("instanceTypeId", "126")] + commonBody,
      fields: [
        FieldSample(
          name: "state", valid: ["\"new\"", "\"backToBaseline\"", "\"available\"", "\"quarantined\""],
          invalid: [
            ("\"decommissioned\"", "string"), ("\"New\"", "string"), ("\"\"", "string"), ("1", "integer"),
            ("true", "boolean"), ("[]", "array"), ("{}", "object"),
          ])
      ]),
    CommandSample(
      command: .reclassify,
      body: [("locationId", "18"), ("instanceTypeId", "126"), ("name", "\"n\""), ("reason", "\"r\"")] + onServerBody,
      fields: [.id("locationId"), .id("instanceTypeId"), .serverName, .reason] + onServer),
    CommandSample(
      command: .decommission, body: [("reason", "\"r\"")] + onServerBody, fields: [.reason] + onServer),
    CommandSample(
      command: .setQuota, title: " commit",
      body: [
        ("clientId", "9"), ("contractId", "\"C\""), ("locationId", "18"), ("instanceTypeId", "126"), ("limit", "5"),
      ] + commonBody,
      fields: [
        .id("clientId").required(), .contract, .id("locationId").required(), .id("instanceTypeId").required(), .limit,
      ] + common),
    CommandSample(
      command: .setQuota, title: " on demand",
      body: [("clientId", "9"), ("locationId", "18"), ("instanceTypeId", "126"), ("limit", "5")] + commonBody,
      fields: [.id("clientId", from: 0).required(), .id("instanceTypeId", from: 0).required(), .limit] + common),
    CommandSample(
      command: .snapshot, title: " server", body: [("serverId", "42")] + commonBody, fields: [.id("serverId")] + common),
    CommandSample(
      command: .snapshot, title: " location", body: [("locationId", "18")] + commonBody,
      fields: [.id("locationId")] + common),
  ]
}
