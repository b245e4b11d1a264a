import AMQP
import Lifecycle

/// Turns entries into ``Settings`` and notes every value that is not allowed, so that all can be reported at once.
package struct SettingsReader {
  private let entries: [SettingKey: SettingEntry]
  /// What was wrong, in the order of the keys.
  package private(set) var problems: [SettingsError] = []

  /// `entries` has what file and environment set; a key that is missing takes its default.
  package init(entries: [SettingKey: SettingEntry]) { self.entries = entries }

  /// The settings. Where ``problems`` is not empty afterwards, the value in question is the default and not to be used.
  package mutating func read() -> Settings {
    Settings(
      amqp: .init(
        brokers: value(.amqpURI, Self.brokers),
        namespace: value(.amqpNamespace) { Self.text($0).flatMap { Namespace($0) } },
        topology: value(.amqpTopology) { Self.text($0).flatMap(TopologyMode.init(rawValue:)) },
        prefetch: integer(.amqpPrefetch),
        heartbeat: duration(.amqpHeartbeat)),
      store: .init(path: value(.storePath, Self.path)),
      startup: .init(patience: duration(.startupPatience)),
      shutdown: .init(grace: duration(.shutdownGrace)),
      commands: .init(maxBytes: integer(.commandsMaxBytes), requireKey: boolean(.commandsRequireKey)),
      baseline: .init(requireID: boolean(.baselineRequireID)),
      parking: .init(patience: duration(.parkingPatience), limit: integer(.parkingLimit)),
      dedup: .init(retention: duration(.dedupRetention)),
      deadLetters: .init(
        retention: duration(.deadLettersRetention),
        answeredRetention: duration(.deadLettersAnsweredRetention),
        maxReplays: integer(.deadLettersMaxReplays)),
      events: .init(log: .init(isEnabled: boolean(.eventsLogEnabled), maxAge: duration(.eventsLogMaxAge))),
      authorization: .init(
        isRequired: boolean(.authorizationRequired),
        requiredFor: value(.authorizationRequiredFor, Self.commands)),
      http: .init(address: value(.httpAddress) { Self.text($0).flatMap { ListenAddress($0) } }),
      log: .init(
        level: value(.logLevel) { Self.text($0).flatMap(LogLevel.init(rawValue:)) },
        format: value(.logFormat) { Self.text($0).flatMap(LogFormat.init(rawValue:)) }))
  }

  /// The entry's value, or the default's where it is not allowed.
  private mutating func value<Value>(_ key: SettingKey, _ parse: (SettingValue) -> Value?) -> Value {
    if let entry = entries[key] {
      if let value = parse(entry.value) { return value }
      problems.append(Self.badValue(key, entry))
    }
    guard let value = parse(key.defaultValue) else { preconditionFailure("the default of \(key.rawValue) is allowed") }
    return value
  }

  private mutating func integer(_ key: SettingKey) -> Int {
    guard case .integer(let range) = key.kind else { preconditionFailure("\(key.rawValue) is not a number") }
    return value(key) { value in
      switch value {
      case .integer(let text), .variable(let text):
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int(text),
          range.contains(number)
        else { return nil }
        return number
      case .text, .decimal, .boolean, .null, .list, .mapping: return nil
      }
    }
  }

  private mutating func boolean(_ key: SettingKey) -> Bool {
    value(key) { value in
      switch value {
      case .boolean(let text), .variable(let text): Bool(text)
      case .text, .integer, .decimal, .null, .list, .mapping: nil
      }
    }
  }

  private mutating func duration(_ key: SettingKey) -> Duration {
    let bounds: ClosedRange<Duration>
    let isWhole: Bool
    switch key.kind {
    case .duration(let range): (bounds, isWhole) = (range, false)
    case .wholeSeconds(let range): (bounds, isWhole) = (range, true)
    case .brokers, .namespace, .choice, .integer, .boolean, .path, .commands, .address:
      preconditionFailure("\(key.rawValue) is not a duration")
    }
    return value(key) { value in
      guard let text = Self.text(value), let duration = DurationText.read(text), bounds.contains(duration),
        !isWhole || duration.components.attoseconds == 0
      else { return nil }
      return duration
    }
  }

  private static func text(_ value: SettingValue) -> String? {
    switch value {
    case .text(let text), .variable(let text): text
    case .integer, .decimal, .boolean, .null, .list, .mapping: nil
    }
  }

  private static func path(_ value: SettingValue) -> String? {
    guard let text = text(value), !text.isEmpty, !text.utf8.contains(0) else { return nil }
    return text
  }

  /// A list, or one text with commas between.
  private static func list(_ value: SettingValue) -> [String]? {
    switch value {
    case .text(let text), .variable(let text):
      return text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmed }
    case .list(let items):
      let texts = items.compactMap { Self.text($0) }
      return texts.count == items.count ? texts : nil
    case .integer, .decimal, .boolean, .null, .mapping: return nil
    }
  }

  private static func brokers(_ value: SettingValue) -> [BrokerURI]? {
    guard let texts = list(value), !texts.isEmpty, texts.count <= maxBrokers else { return nil }
    let brokers = texts.compactMap { try? BrokerURI($0) }
    return brokers.count == texts.count ? brokers : nil
  }

  private static let maxBrokers = 32

  private static func commands(_ value: SettingValue) -> Set<CommandName>? {
    guard let texts = list(value) else { return nil }
    if texts == [""] || texts == ["none"] { return [] }
    let names = texts.compactMap(CommandName.init(rawValue:))
    return names.count == texts.count ? Set(names) : nil
  }

  private static func badValue(_ key: SettingKey, _ entry: SettingEntry) -> SettingsError {
    let found = key.isSecret ? entry.value.foundKind : entry.value.found
    var message = "\(key.rawValue) (\(entry.origin)): found \(found); allowed: \(key.kind.allowed)"
    var cause: (any Error)?
    if key.kind == .brokers, let texts = list(entry.value) {
      for (index, text) in texts.enumerated() {
        do { _ = try BrokerURI(text) } catch {
          message = "\(key.rawValue) (\(entry.origin)), address \(index + 1) of \(texts.count): \(error.message)"
          cause = error
          break
        }
      }
    }
    if key.kind == .commands, let texts = list(entry.value),
      let wrong = texts.first(where: { CommandName(rawValue: $0) == nil })
    {
      let suggestion = Spelling.nearest(to: wrong, in: CommandName.allCases.map(\.rawValue))
      message += suggestion.map { "; did you mean '\($0)'?" } ?? ""
    }
    if case .choice(let words) = key.kind, let text = text(entry.value),
      let suggestion = Spelling.nearest(to: text, in: words)
    {
      message += "; did you mean '\(suggestion)'?"
    }
    return SettingsError(.badValue, message, cause: cause)
  }
}

extension StringProtocol {
  /// Without white space at both ends.
  fileprivate var trimmed: String {
    let start = drop { $0.isWhitespace }
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }
}
