import AMQP
import ArgumentParser
import Lifecycle
import Worker

/// `ostler config`: what is in force, and why.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Print the settings in force and where each came from.",
    discussion: """
      Passwords are masked. What is wrong is listed on the standard error, all of it at once, with exit status 78.

        ostler config
        ostler config --config staging.yaml
        OSTLER_LOG_LEVEL=debug ostler config --json
      In a deployment, before the worker is restarted:
        ostler config --check
      """
  )

  @Flag(help: "Print nothing where all is well.")
  var check = false

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func run() throws {
    let loaded = common.load()
    if loaded.problems.isEmpty {
      if !check { print(loaded) }
      return
    }
    for problem in loaded.problems { Complaint.print(problem.message) }
    throw CommandFailure(.configuration, "")
  }

  private func print(_ loaded: LoadedSettings) {
    if output.json {
      var lines = StandardOutput()
      for key in SettingKey.allCases { lines.line(utf8: json(key, loaded)) }
    } else {
      var table = TextTable([.init("SETTING"), .init("VALUE"), .init("FROM")], maxWidth: nil)
      for key in SettingKey.allCases {
        let entry = loaded.entry(key)
        table.row([key.rawValue, Self.shown(key, entry.value, loaded.settings), entry.origin.description])
      }
      table.finish()
    }
  }

  private func json(_ key: SettingKey, _ loaded: LoadedSettings) -> [UInt8] {
    let entry = loaded.entry(key)
    var json = JSONWriter()
    json.beginObject()
    json.key("key")
    json.value(key.rawValue)
    json.key("value")
    json.value(Self.value(key, entry.value, loaded.settings))
    json.key("from")
    switch entry.origin {
    case .standard: json.value("default")
    case .file: json.value("file")
    case .environment: json.value("environment")
    }
    switch entry.origin {
    case .standard: break
    case .file(let path, let line, let column):
      json.key("file")
      json.value(path)
      json.key("line")
      json.value(Int64(line))
      json.key("column")
      json.value(Int64(column))
    case .environment(let name):
      json.key("variable")
      json.value(name)
    }
    json.key("default")
    json.value(Self.value(key, key.defaultValue, .standard))
    json.key("allowed")
    json.value(key.kind.allowed)
    json.endObject()
    return json.bytes
  }

  private static func shown(_ key: SettingKey, _ value: SettingValue, _ settings: Settings) -> String {
    switch self.value(key, value, settings) {
    case .null: ""
    case .boolean(let flag): String(flag)
    case .integer(let number): String(number)
    case .text(let text): text
    case .list(let items):
      items.isEmpty
        ? "none" : items.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined(separator: ",")
    case .fields: ""
    }
  }

  /// The value with its kind; addresses without their passwords.
  private static func value(_ key: SettingKey, _ value: SettingValue, _ settings: Settings) -> Detail {
    switch key.kind {
    case .brokers: .list(settings.amqp.brokers.map { .text($0.description) })
    case .commands:
      .list(CommandName.allCases.filter(settings.authorization.requiredFor.contains).map { .text($0.rawValue) })
    case .namespace, .choice, .integer, .boolean, .duration, .wholeSeconds, .path, .address:
      switch value {
      case .integer(let text): Int64(text).map(Detail.integer) ?? .text(text)
      case .boolean(let text): .boolean(text == "true")
      case .variable(let text): Self.variable(key, text)
      case .text(let text), .decimal(let text): .text(text)
      case .null, .list, .mapping: .null
      }
    }
  }

  private static func variable(_ key: SettingKey, _ text: String) -> Detail {
    switch key.kind {
    case .integer: Int64(text).map(Detail.integer) ?? .text(text)
    case .boolean: .boolean(text == "true")
    case .brokers, .namespace, .choice, .duration, .wholeSeconds, .path, .commands, .address: .text(text)
    }
  }
}
