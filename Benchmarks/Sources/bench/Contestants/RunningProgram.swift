import Foundation

/// A program under test, and what it has cost so far.
final class RunningProgram {
  private let process = Process()

  init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    // Nothing of the caller's own settings may leak in.
    process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("OSTLER_") }
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    try process.run()
  }

  var isRunning: Bool { process.isRunning }
  var id: Int32 { process.processIdentifier }
  var cost: ProcessCost { ProcessCost(of: id) }

  /// - Returns: the exit status.
  func waitForEnd() -> Int32 {
    process.waitUntilExit()
    return process.terminationStatus
  }

  /// Asks it to stop, and waits.
  func stop() throws {
    process.terminate()
    let deadline = Date.now + 60
    while process.isRunning {
      guard Date.now < deadline else {
        kill(id, SIGKILL)
        throw BenchError("\(process.executableURL?.lastPathComponent ?? "?") did not stop within 60 s")
      }
      usleep(2000)
    }
  }
}

/// What a process has used, as `/proc` tells it.
struct ProcessCost {
  var cpuSeconds = 0.0
  var residentBytes = 0
  var peakResidentBytes = 0

  init() {}

  init(of process: Int32) {
    if let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let end = stat.lastIndex(of: ")")
    {
      // Fields 14 and 15 of proc(5), counted from the third, which follows the name.
      let fields = stat[stat.index(after: end)...].split(separator: " ")
      let ticks = (Double(fields[11]) ?? 0) + (Double(fields[12]) ?? 0)
      cpuSeconds = ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
    if let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) {
      for line in status.split(separator: "\n") {
        let kibibytes =
          line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) } ?? 0
        if line.hasPrefix("VmRSS:") { residentBytes = kibibytes * 1024 }
        if line.hasPrefix("VmHWM:") { peakResidentBytes = kibibytes * 1024 }
      }
    }
  }
}
