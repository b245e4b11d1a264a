import Foundation

/// What a figure means nothing without.
struct Conditions: Codable, Sendable {
  var date = ISO8601DateFormatter().string(from: .now)
  var cores = ProcessInfo.processInfo.activeProcessorCount
  var processor: String
  var memoryGiB: Int
  var kernel: String
  var rabbitMQ: String
  var librabbitmq: String
  var sqlite: String
  var swift: String
  var revision: String
  /// Runnable processes a minute before: others on the machine make everything slower.
  var loadAverage: String
  var durability =
    "SQLite WAL, synchronous=FULL; ack after commit; events persistent and confirmed; quorum queues, persistent commands"
  var prefetch = "\(Contestant.prefetch) per queue"
  var batch = "what has arrived while the last one committed, at most 500 commands"

  static func collect(brokerVersion: String) -> Conditions {
    func first(_ file: String, _ prefix: String) -> String {
      let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
      let line = text.split(separator: "\n").first { $0.hasPrefix(prefix) } ?? ""
      return line.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? ""
    }
    return Conditions(
      processor: first("/proc/cpuinfo", "model name"),
      memoryGiB: Int(ProcessInfo.processInfo.physicalMemory >> 30),
      kernel: Shell.line("uname", "-sr"), rabbitMQ: brokerVersion,
      librabbitmq: Shell.line("pkg-config", "--modversion", "librabbitmq"),
      sqlite: Shell.line("pkg-config", "--modversion", "sqlite3"),
      swift: Shell.line("sh", "-c", "swift --version 2>/dev/null | head -1"),
      revision: Shell.line("git", "describe", "--always", "--dirty"),
      loadAverage: (try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8))
        .map { $0.split(separator: " ").prefix(3).joined(separator: " ") } ?? "")
  }

  var lines: [String] {
    [
      "\(date), revision \(revision)",
      "\(cores) cores (\(processor)), \(memoryGiB) GiB, \(kernel); load average before \(loadAverage)",
      "broker, load generator and programs share the machine",
      "RabbitMQ \(rabbitMQ), librabbitmq \(librabbitmq), SQLite \(sqlite), \(swift)",
      "durability: \(durability)", "prefetch: \(prefetch); batch: \(batch)",
    ]
  }
}

/// Small programs whose output is one line.
enum Shell {
  /// - Returns: the first line, or nothing where the program is missing or fails.
  static func line(_ command: String...) -> String {
    output(command).split(separator: "\n").first.map(String.init) ?? ""
  }

  static func output(_ command: [String]) -> String {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return "" }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }
}
