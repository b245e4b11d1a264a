/// Every setting, by its dotted name. There is no other: a name that is not here is refused.
package enum SettingKey: String, CaseIterable, Hashable, Sendable {
  case amqpURI = "amqp.uri"
  case amqpNamespace = "amqp.namespace"
  case amqpTopology = "amqp.topology"
  case amqpPrefetch = "amqp.prefetch"
  case amqpHeartbeat = "amqp.heartbeat"
  case storePath = "store.path"
  case startupPatience = "startup.patience"
  case shutdownGrace = "shutdown.grace"
  case commandsMaxBytes = "commands.maxBytes"
  case commandsRequireKey = "commands.requireKey"
  case baselineRequireID = "baseline.requireId"
  case parkingPatience = "parking.patience"
  case parkingLimit = "parking.limit"
  case dedupRetention = "dedup.retention"
  case deadLettersRetention = "deadLetters.retention"
  case deadLettersAnsweredRetention = "deadLetters.answeredRetention"
  case deadLettersMaxReplays = "deadLetters.maxReplays"
  case eventsLogEnabled = "events.log.enabled"
  case eventsLogMaxAge = "events.log.maxAge"
  case authorizationRequired = "authorization.required"
  case authorizationRequiredFor = "authorization.requiredFor"
  case httpAddress = "http.address"
  case logLevel = "log.level"
  case logFormat = "log.format"

  /// The variable that sets the same: `commands.maxBytes` is `OSTLER_COMMANDS_MAX_BYTES`.
  package var environmentName: String {
    var name = Self.environmentPrefix
    for character in rawValue {
      if character == "." {
        name += "_"
      } else if character.isUppercase {
        name += "_\(character)"
      } else {
        name += character.uppercased()
      }
    }
    return name
  }

  package static let environmentPrefix = "OSTLER_"

  /// Whether the value can hold a password. Such a value is printed masked, and is never part of an error.
  package var isSecret: Bool { self == .amqpURI }

  /// What the value may be.
  package var kind: SettingKind {
    switch self {
    case .amqpURI: .brokers
    case .amqpNamespace: .namespace
    case .amqpTopology: .choice(TopologyMode.allCases.map(\.rawValue))
    case .amqpPrefetch: .integer(1...10_000)
    case .amqpHeartbeat: .wholeSeconds(.seconds(1) ... .seconds(300))
    case .storePath: .path
    // Half an hour is when the broker closes the channel of a consumer that does not ack.
    case .parkingPatience: .duration(.zero ... .seconds(15 * 60))
    case .parkingLimit: .integer(0...10_000)
    case .startupPatience: .duration(.zero ... .seconds(24 * 3600))
    case .shutdownGrace: .duration(.seconds(1) ... .seconds(3600))
    case .commandsMaxBytes: .integer(1...1_048_576)
    case .commandsRequireKey, .baselineRequireID, .eventsLogEnabled, .authorizationRequired: .boolean
    case .dedupRetention, .deadLettersRetention, .deadLettersAnsweredRetention:
      .duration(.seconds(1) ... .seconds(36_500 * 86_400))
    case .deadLettersMaxReplays: .integer(1...1000)
    case .eventsLogMaxAge: .wholeSeconds(.seconds(1) ... .seconds(36_500 * 86_400))
    case .authorizationRequiredFor: .commands
    case .httpAddress: .address
    case .logLevel: .choice(LogLevel.allCases.map(\.rawValue))
    case .logFormat: .choice(LogFormat.allCases.map(\.rawValue))
    }
  }

  /// The value where nobody has set one.
  package var defaultValue: SettingValue {
    switch self {
    case .amqpURI: .text("amqp://guest:guest@127.0.0.1:5672/%2F")
    case .amqpNamespace: .text("server")
    case .amqpTopology: .text("declare")
    case .amqpPrefetch: .integer("1000")
    case .amqpHeartbeat: .text("15s")
    case .storePath: .text("ostler.sqlite")
    case .startupPatience: .text("60s")
    case .shutdownGrace: .text("30s")
    case .commandsMaxBytes: .integer("65536")
    case .commandsRequireKey: .boolean("false")
    case .baselineRequireID: .boolean("false")
    case .parkingPatience: .text("30s")
    case .parkingLimit: .integer("200")
    case .dedupRetention: .text("400d")
    case .deadLettersRetention: .text("90d")
    case .deadLettersAnsweredRetention: .text("30d")
    case .deadLettersMaxReplays: .integer("5")
    case .eventsLogEnabled: .boolean("true")
    case .eventsLogMaxAge: .text("7d")
    case .authorizationRequired: .boolean("false")
    case .authorizationRequiredFor: .list([])
    case .httpAddress: .text("127.0.0.1:9120")
    case .logLevel: .text("info")
    case .logFormat: .text("text")
    }
  }
}
