package import Worker

/// Settings as loaded, with where each value came from and everything that was wrong.
package struct LoadedSettings {
  /// To be used only where ``problems`` is empty.
  package let settings: Settings
  /// What was set; a key that is missing has its default.
  package let entries: [SettingKey: SettingEntry]
  package let problems: [SettingsError]
  /// The file that was read, if there was one.
  package let path: String?

  package func entry(_ key: SettingKey) -> SettingEntry {
    entries[key] ?? SettingEntry(key.defaultValue, from: .standard)
  }

  /// The settings.
  ///
  /// - Throws: `SettingsError` that lists every problem.
  package func checked() throws(SettingsError) -> Settings {
    guard let first = problems.first else { return settings }
    guard problems.count > 1 else { throw first }
    let lines = problems.map { "\n  \($0.message)" }.joined()
    throw SettingsError(first.code, "\(problems.count) problems with the settings:\(lines)", cause: first)
  }
}

/// Puts settings together: the environment beats the file, the file beats the defaults.
package enum SettingsLoader {
  static let defaultPath = "config/ostler.yaml"

  /// `path`: the file named on the command line, if one was. A named file must be there; the default one need not.
  package static func load(path: String?, environment: [String: String]) -> LoadedSettings {
    let variables = SettingsEnvironment(environment)
    let named = path ?? environment[SettingsEnvironment.configVariable]
    var problems: [SettingsError] = []
    var file: SettingsFile?
    do {
      if let text = try text(of: named ?? defaultPath, mustExist: named != nil) {
        file = SettingsFile(path: named ?? defaultPath, text: text)
      }
    } catch {
      problems.append(error)
    }
    let entries = (file?.entries ?? [:]).merging(variables.entries) { _, variable in variable }
    var reader = SettingsReader(entries: entries)
    let settings = reader.read()
    problems += (file?.problems ?? []) + variables.problems + Self.hidden(file, behind: variables) + reader.problems
    return LoadedSettings(settings: settings, entries: entries, problems: problems, path: file?.path)
  }

  /// What is wrong in the file with values that a variable takes the place of: it would come to light on the day when
  /// the variable is gone.
  private static func hidden(_ file: SettingsFile?, behind variables: SettingsEnvironment) -> [SettingsError] {
    let hidden = (file?.entries ?? [:]).filter { variables.entries[$0.key] != nil }
    var reader = SettingsReader(entries: hidden)
    _ = reader.read()
    return reader.problems
  }

  private static func text(of path: String, mustExist: Bool) throws(SettingsError) -> String? {
    let bytes: [UInt8]
    do {
      bytes = try FileBytes.read(path, maxBytes: SettingsFile.maxBytes)
    } catch {
      if error.code == .missing, !mustExist { return nil }
      throw SettingsError(.unreadableFile, "settings file: \(error.message)", cause: error)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw SettingsError(.malformedFile, "\(path): not UTF-8 text")
    }
    return text
  }
}
