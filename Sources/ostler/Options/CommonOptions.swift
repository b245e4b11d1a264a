import ArgumentParser
import Foundation
import Worker

/// What every command takes.
struct CommonOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "Settings file (default: \(SettingsLoader.defaultPath), which need not exist).", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml"]))
  var config: String?

  func load() -> LoadedSettings {
    SettingsLoader.load(path: config, environment: ProcessInfo.processInfo.environment)
  }

  /// - Throws: `SettingsError` that lists every problem.
  func settings() throws(SettingsError) -> Settings { try load().checked() }
}

/// For commands that print data.
struct JSONOption: ParsableArguments {
  @Flag(help: "One JSON object a line, with the field names of the contract.")
  var json = false
}
