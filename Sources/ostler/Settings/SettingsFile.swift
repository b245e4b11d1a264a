import Worker
import Yams

/// Reads a settings file: YAML, groups nested or dotted, at most ``maxBytes``.
struct SettingsFile {
  /// As it was named on the command line.
  let path: String
  private(set) var entries: [SettingKey: SettingEntry] = [:]
  private(set) var problems: [SettingsError] = []

  static let maxBytes = 65_536

  /// Reads and checks names; the values are checked by ``SettingsReader``.
  init(path: String, text: String) {
    self.path = path
    do {
      guard let root = try Yams.compose(yaml: text) else { return }
      switch root {
      case .mapping(let mapping): read(mapping, under: "")
      case .scalar(let scalar) where scalar.string.isEmpty: break
      case .scalar, .sequence, .alias:
        problems.append(SettingsError(.malformedFile, "\(path): a settings file is a YAML mapping of keys to values"))
      }
    } catch {
      problems.append(malformed(error))
    }
  }

  private mutating func read(_ mapping: Node.Mapping, under prefix: String) {
    for (name, node) in mapping {
      guard let text = name.scalar?.string else {
        problems.append(SettingsError(.unknownKey, "\(place(name)): a key is a plain word"))
        continue
      }
      let dotted = prefix.isEmpty ? text : "\(prefix).\(text)"
      if let key = SettingKey(rawValue: dotted) {
        set(key, to: value(of: node), from: origin(name))
      } else if Self.isGroup(dotted) {
        switch node {
        case .mapping(let group): read(group, under: dotted)
        case .scalar(let scalar) where value(of: node) == .null && scalar.style == .plain: break
        case .scalar, .sequence, .alias:
          problems.append(
            SettingsError(
              .badValue,
              "\(dotted) (\(place(name))): found \(value(of: node).foundKind); allowed: a group of settings, "
                + Self.members(of: dotted).joined(separator: ", ")))
        }
      } else {
        let suggestion = Spelling.nearest(to: dotted, in: SettingKey.allCases.map(\.rawValue) + Self.groups)
        problems.append(
          SettingsError(
            .unknownKey,
            "unknown setting \(quoted(dotted)) (\(place(name)))"
              + (suggestion.map { "; did you mean '\($0)'?" } ?? "; 'ostler config' prints the settings there are")))
      }
    }
  }

  private mutating func set(_ key: SettingKey, to value: SettingValue, from origin: SettingOrigin) {
    if let first = entries[key] {
      problems.append(
        SettingsError(.duplicateKey, "\(key.rawValue) (\(origin)) was given before (\(first.origin)); keep one of them")
      )
    } else {
      entries[key] = SettingEntry(value, from: origin)
    }
  }

  private func value(of node: Node) -> SettingValue {
    switch node {
    case .mapping: return .mapping
    case .sequence(let items): return .list(items.map { value(of: $0) })
    case .alias: return .mapping
    case .scalar(let scalar):
      switch node.tag.description {
      case "tag:yaml.org,2002:int": return .integer(scalar.string)
      case "tag:yaml.org,2002:float": return .decimal(scalar.string)
      case "tag:yaml.org,2002:bool": return .boolean(scalar.string)
      case "tag:yaml.org,2002:null": return .null
      default: return .text(scalar.string)
      }
    }
  }

  private func origin(_ node: Node) -> SettingOrigin {
    .file(path: path, line: node.mark?.line ?? 1, column: node.mark?.column ?? 1)
  }

  private func place(_ node: Node) -> String { origin(node).description }

  private func quoted(_ text: String) -> String { "'\(text.count > 80 ? text.prefix(80) + "…" : text[...])'" }

  private static let groups: [String] = Set(
    SettingKey.allCases.flatMap { key in
      let parts = key.rawValue.split(separator: ".")
      return (1..<parts.count).map { parts.prefix($0).joined(separator: ".") }
    }
  ).sorted()

  private static func isGroup(_ name: String) -> Bool { groups.contains(name) }

  private static func members(of group: String) -> [String] {
    SettingKey.allCases.map(\.rawValue).filter { $0.hasPrefix(group + ".") }
  }

  /// Yams' own description quotes the lines around the error, which may hold a password: only its place and kind are kept.
  private func malformed(_ error: any Error) -> SettingsError {
    let unreadable = SettingsError(.malformedFile, "\(path): not readable as YAML")
    guard let error = error as? YamlError else { return unreadable }
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      return SettingsError(.malformedFile, "\(path):\(mark): not YAML: \(problem)")
    case .reader(let problem, let offset, _, _):
      return SettingsError(.malformedFile, "\(path): not YAML: \(problem)\(offset.map { " at character \($0)" } ?? "")")
    case .duplicatedKeysInMapping(let duplicates, let context):
      let names = duplicates.map(quoted).joined(separator: ", ")
      return SettingsError(.duplicateKey, "\(path):\(context.mark): given more than once: \(names); keep one of them")
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      return unreadable
    }
  }
}
