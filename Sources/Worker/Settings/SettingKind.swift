import Lifecycle

/// What a setting's value may be.
package enum SettingKind: Hashable, Sendable {
  /// One or more broker addresses.
  case brokers
  case namespace
  /// One of these words.
  case choice([String])
  case integer(ClosedRange<Int>)
  case boolean
  case duration(ClosedRange<Duration>)
  /// A duration that the other side takes in whole seconds.
  case wholeSeconds(ClosedRange<Duration>)
  case path
  /// Names of commands; none is allowed too.
  case commands
  /// Host and port to listen on.
  case address

  /// What is allowed, as the end of an error message.
  package var allowed: String {
    switch self {
    case .brokers:
      "amqp://user:password@host:port/vhost or amqps://…, several separated by commas or as a list"
    case .namespace:
      "1 to \(Namespace.maxLength) letters, digits, '-', '_' and '.', beginning and ending with a letter or digit, "
        + "not 'amq' or 'amq.…'"
    case .choice(let words): words.joined(separator: ", ")
    case .integer(let range): "a whole number, \(range.lowerBound) to \(range.upperBound)"
    case .boolean: "true or false"
    case .duration(let range): "a duration such as 30s, 15m, 4h or 400d, \(Self.text(range))"
    case .wholeSeconds(let range):
      "a duration in whole seconds such as 30s, 15m, 4h or 400d, \(Self.text(range))"
    case .path: "the path of a file"
    case .commands:
      "a list of commands, or none: \(CommandName.allCases.map(\.rawValue).joined(separator: ", "))"
    case .address: "host:port such as 127.0.0.1:9120 or [::1]:9120; port 0 takes a free one"
    }
  }

  private static func text(_ range: ClosedRange<Duration>) -> String {
    "\(DurationText.write(range.lowerBound)) to \(DurationText.write(range.upperBound))"
  }
}
