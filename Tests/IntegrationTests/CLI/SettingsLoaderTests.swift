import AMQP
import Foundation
import Lifecycle
import Testing
import Worker
import ostler

@Suite("Settings from file and environment")
struct SettingsLoaderTests {
  private func load(_ yaml: String, _ environment: [String: String] = [:]) throws -> LoadedSettings {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).yaml")
    try Data(yaml.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return SettingsLoader.load(path: file.path, environment: environment)
  }

  private func problem(_ yaml: String, _ environment: [String: String] = [:]) throws -> SettingsError {
    let loaded = try load(yaml, environment)
    #expect(loaded.problems.count == 1, "\(loaded.problems)")
    return try #require(loaded.problems.first)
  }

  @Test("Every kind of value is read")
  func readsAll() throws {
    let settings = try load(
      """
      amqp:
        uri: [amqp://a:b@one, amqps://two]
        topology: verify
        heartbeat: 20s
      commands: {maxBytes: 2048, requireKey: true}
      parking:
        patience: 250ms
        limit: 0
      deadLetters.retention: 4h
      events: {log: {enabled: false, maxAge: 15m}}
      authorization:
        requiredFor: allocate, deallocate
      http: {address: "[::1]:0"}
      log:
      """
    ).checked()
    #expect(
      settings.amqp.brokers.map(\.description) == ["amqp://a:***@one:5672/%2F", "amqps://guest:***@two:5671/%2F"])
    #expect(settings.amqp.topology == .verify)
    #expect(settings.amqp.heartbeat == .seconds(20))
    #expect(settings.commands.maxBytes == 2048)
    #expect(settings.commands.requireKey)
    #expect(settings.parking.patience == .milliseconds(250))
    #expect(settings.parkingLimit == 0)
    #expect(settings.deadLetters.retention == .seconds(4 * 3600))
    #expect(!settings.events.log.isEnabled)
    #expect(settings.events.log.maxAge == .seconds(900))
    #expect(settings.authorization.requiredFor == [.allocate, .deallocate])
    #expect(settings.http.address == ListenAddress("[::1]:0"))
    #expect(settings.log.level == .info)
  }

  @Test("A bad value in the file is told also where a variable takes its place")
  func hiddenByVariable() throws {
    let error = try problem("store: {path: [a, b]}", ["OSTLER_STORE_PATH": "here.sqlite"])
    #expect(error.message.contains("store.path"))
    #expect(error.message.contains("found a list of 2"))
  }

  @Test("Every key has its variable, and the variable wins")
  func variables() throws {
    let values: [SettingKey: String] = [
      .amqpURI: "amqp://h", .amqpNamespace: "n", .amqpTopology: "verify", .amqpPrefetch: "3", .amqpHeartbeat: "10s",
      .storePath: "p", .startupPatience: "1s", .shutdownGrace: "2s", .commandsMaxBytes: "1024",
      .commandsRequireKey: "true", .baselineRequireID: "true", .parkingPatience: "3s", .parkingLimit: "4",
      .dedupRetention: "5d", .deadLettersRetention: "6d", .deadLettersAnsweredRetention: "7d",
      .deadLettersMaxReplays: "8", .eventsLogEnabled: "false", .eventsLogMaxAge: "9d", .authorizationRequired: "true",
      .authorizationRequiredFor: "enroll", .httpAddress: "127.0.0.1:1", .logLevel: "error", .logFormat: "json",
    ]
    #expect(Set(values.keys) == Set(SettingKey.allCases))
    let environment = Dictionary(uniqueKeysWithValues: values.map { ($0.key.environmentName, $0.value) })
    let loaded = try load("log: {level: debug}", environment)
    #expect(loaded.problems.isEmpty, "\(loaded.problems)")
    for key in SettingKey.allCases {
      #expect(loaded.entries[key]?.origin == .environment(name: key.environmentName))
    }
    #expect(loaded.settings.deadLetters.answeredRetention == .seconds(7 * 86_400))
    #expect(loaded.settings.log.level == .error)
  }

  @Test("Names of variables follow the rule")
  func variableNames() {
    #expect(SettingKey.amqpURI.environmentName == "OSTLER_AMQP_URI")
    #expect(SettingKey.commandsMaxBytes.environmentName == "OSTLER_COMMANDS_MAX_BYTES")
    #expect(SettingKey.eventsLogMaxAge.environmentName == "OSTLER_EVENTS_LOG_MAX_AGE")
    #expect(SettingKey.authorizationRequiredFor.environmentName == "OSTLER_AUTHORIZATION_REQUIRED_FOR")
  }

  @Test(
    "A bad value names key, place, kind and what is allowed",
    arguments: [
      ("amqp: {prefetch: 0}", "found the whole number 0; allowed: a whole number, 1 to 10000"),
      ("amqp: {prefetch: \"10\"}", "found the text '10'"),
      ("amqp: {prefetch: 0x10}", "found the whole number 0x10"),
      ("amqp: {prefetch: 1.5}", "found the decimal number 1.5"),
      ("amqp: {prefetch: }", "found nothing"),
      ("amqp: {heartbeat: 15}", "found the whole number 15; allowed: a duration in whole seconds"),
      ("amqp: {heartbeat: 2500ms}", "found the text '2500ms'; allowed: a duration in whole seconds"),
      ("amqp: {namespace: amq.x}", "found the text 'amq.x'"),
      ("amqp: {namespace: \"a b\"}", "found the text 'a b'"),
      ("amqp: {topology: [declare]}", "found a list of 1; allowed: declare, verify"),
      ("commands: {requireKey: yes}", "found the boolean yes; allowed: true or false"),
      ("dedup: {retention: 0s}", "allowed: a duration such as 30s, 15m, 4h or 400d, 1s to 36500d"),
      ("dedup: {retention: 9999999999d}", "found the text '9999999999d'"),
      ("parking: {patience: 16m}", "0s to 15m"),
      ("http: {address: 9120}", "found the whole number 9120; allowed: host:port"),
      ("http: {address: \"localhost:70000\"}", "found the text 'localhost:70000'"),
      ("log: {level: dbug}", "did you mean 'debug'?"),
      ("authorization: {requiredFor: [alocate]}", "did you mean 'allocate'?"),
      ("events: {log: true}", "events.log"),
      ("store: {path: \"\"}", "found the text ''"),
    ])
  func badValues(yaml: String, part: String) throws {
    let error = try problem(yaml)
    #expect(error.code == .badValue)
    #expect(error.message.contains(part), "\(error.message)")
    #expect(error.message.contains(".yaml:1:"))
  }

  @Test(
    "No error has the password in it",
    arguments: ["amqp://me:hunter2@h:port", "amq://me:hunter2@h", "amqp://me:hunter2"])
  func noPassword(uri: String) throws {
    let error = try problem("amqp: {uri: \"\(uri)\"}")
    #expect(error.message.contains("amqp.uri"))
    #expect(!error.message.contains("hunter2"))
    #expect(!"\(error)".contains("hunter2"))
    let variable = try problem("", ["OSTLER_AMQP_URI": uri])
    #expect(!variable.message.contains("hunter2"))
  }

  @Test("The same key twice is an error, however it is written")
  func duplicates() throws {
    #expect(try problem("log:\n  level: info\n  level: debug\n").code == .duplicateKey)
    #expect(try problem("log: {level: info}\nlog: {format: json}\n").code == .duplicateKey)
    let error = try problem("log: {level: info}\nlog.level: debug\n")
    #expect(error.code == .duplicateKey)
    #expect(error.message.contains(":2:1"))
    #expect(error.message.contains(":1:7"))
  }

  @Test("Broken YAML is told with its place and without its text")
  func brokenYAML() throws {
    let error = try problem("amqp:\n  uri: [amqp://me:hunter2@h\nstore: x\n")
    #expect(error.code == .malformedFile)
    #expect(error.message.contains(".yaml:3:"))
    #expect(!error.message.contains("hunter2"))
    #expect(error.cause == nil)
  }

  @Test("An unknown key is refused with the nearest one")
  func unknownKeys() throws {
    #expect(try problem("parking: {patienc: 1s}").message.contains("did you mean 'parking.patience'?"))
    #expect(try problem("nonsense: 1").message.contains("'ostler config' prints"))
    #expect(try problem("1: 2").code == .unknownKey)
  }

  @Test("A file that is no mapping, no text or too large is refused")
  func unreadable() throws {
    #expect(try problem("- a\n").code == .malformedFile)
    #expect(try problem(String(repeating: "# x\n", count: 20_000)).code == .unreadableFile)
    #expect(try load("").problems.isEmpty)
    #expect(try load("# nothing\n").problems.isEmpty)
  }

  @Test("A queue is never parked as a whole")
  func parkingLimit() throws {
    #expect(try load("amqp: {prefetch: 10}").checked().parkingLimit == 9)
    #expect(try load("amqp: {prefetch: 1000}").checked().parkingLimit == 200)
  }
}

@Suite("Durations in settings")
struct DurationTextTests {
  @Test(arguments: [
    ("0s", 0), ("250ms", 250), ("30s", 30_000), ("15m", 900_000), ("4h", 14_400_000), ("400d", 34_560_000_000),
  ])
  func reads(text: String, milliseconds: Int64) throws {
    #expect(DurationText.read(text) == .milliseconds(milliseconds))
    #expect(DurationText.write(.milliseconds(milliseconds)) == text)
  }

  @Test(arguments: ["", "s", "30", "-1s", "+1s", "1.5s", "1 s", "1S", "1w", "1000000000d", "٣s", "1s1s"])
  func refuses(text: String) {
    #expect(DurationText.read(text) == nil)
  }
}
