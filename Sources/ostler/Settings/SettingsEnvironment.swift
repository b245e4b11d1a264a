import Worker

/// Reads settings from environment variables: every `OSTLER_…` must be one that there is.
struct SettingsEnvironment {
  private(set) var entries: [SettingKey: SettingEntry] = [:]
  private(set) var problems: [SettingsError] = []

  /// Names the settings file, where `--config` does not.
  static let configVariable = "OSTLER_CONFIG"
  /// For tests and scripts around the product; never read by it.
  private static let testPrefix = "OSTLER_TEST_"

  init(_ environment: [String: String]) {
    let keys = Dictionary(uniqueKeysWithValues: SettingKey.allCases.map { ($0.environmentName, $0) })
    for (name, text) in environment.sorted(by: { $0.key < $1.key }) where name.hasPrefix(SettingKey.environmentPrefix) {
      if let key = keys[name] {
        entries[key] = SettingEntry(.variable(text), from: .environment(name: name))
      } else if name != Self.configVariable, !name.hasPrefix(Self.testPrefix) {
        let suggestion = Spelling.nearest(to: name, in: keys.keys.sorted())
        problems.append(
          SettingsError(
            .unknownKey,
            "unknown setting in the environment: \(name)"
              + (suggestion.map { "; did you mean \($0)?" } ?? "; 'ostler config' prints the settings there are")))
      }
    }
  }
}
