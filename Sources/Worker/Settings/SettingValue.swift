/// A value as it was written, before its meaning is known: the kinds that YAML tells apart. The environment has only text.
package enum SettingValue: Hashable, Sendable {
  case text(String)
  case integer(String)
  case decimal(String)
  case boolean(String)
  case null
  case list([SettingValue])
  case mapping
  /// The text of an environment variable: may stand for any kind.
  case variable(String)

  /// How an error calls it: kind first, then the value, cut short.
  package var found: String {
    switch self {
    case .text(let text): "the text \(Self.quote(text))"
    case .integer(let text): "the whole number \(Self.cut(text))"
    case .decimal(let text): "the decimal number \(Self.cut(text))"
    case .boolean(let text): "the boolean \(Self.cut(text))"
    case .null: "nothing"
    case .list(let items): "a list of \(items.count)"
    case .mapping: "a group of settings"
    case .variable(let text): text.isEmpty ? "nothing" : "the text \(Self.quote(text))"
    }
  }

  /// The kind alone, for values that may be secret.
  package var foundKind: String {
    switch self {
    case .text: "a text"
    case .integer: "a whole number"
    case .decimal: "a decimal number"
    case .boolean: "a boolean"
    case .null: "nothing"
    case .list(let items): "a list of \(items.count)"
    case .mapping: "a group of settings"
    case .variable(let text): text.isEmpty ? "nothing" : "a text"
    }
  }

  private static let maxShown = 60

  private static func cut(_ text: String) -> String {
    let clean = String(text.map { $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? " " : $0 })
    return clean.count > maxShown ? clean.prefix(maxShown) + "…" : clean
  }

  private static func quote(_ text: String) -> String { "'\(cut(text))'" }
}

/// Where a value came from.
package enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
  case standard
  /// Line and column count from 1.
  case file(path: String, line: Int, column: Int)
  case environment(name: String)

  package var description: String {
    switch self {
    case .standard: "default"
    case .file(let path, let line, let column): "\(path):\(line):\(column)"
    case .environment(let name): name
    }
  }
}

/// A value, and where it came from.
package struct SettingEntry: Hashable, Sendable {
  package let value: SettingValue
  package let origin: SettingOrigin
  package init(_ value: SettingValue, from origin: SettingOrigin) {
    self.value = value
    self.origin = origin
  }
}
