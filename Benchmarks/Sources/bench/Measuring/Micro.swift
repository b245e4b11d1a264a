import Foundation

/// Runs the steps by themselves (the program `micro`): for the time, and under callgrind for what hardly depends on the
/// machine.
struct Micro {
  let programs: URL
  let scratch: URL

  private var micro: String { programs.appending(path: "micro").path }

  func run() -> [Report.MicroResult] {
    let times = Shell.output([micro, "time"]).split(separator: "\n")
    return times.compactMap { line in
      let fields = line.split(separator: "\t")
      guard fields.count == 2, let nanoseconds = Double(fields[1]) else { return nil }
      let step = String(fields[0])
      return Report.MicroResult(name: step, nanoseconds: nanoseconds, counts: counts(of: step))
    }
  }

  /// For one command: the difference between a long and a short run, because what comes before and after is in both.
  ///
  /// - Returns: `nil` without valgrind.
  func counts(of step: String) -> StepCounts? {
    guard !Shell.line("valgrind", "--version").isEmpty,
      let short = callgrind(step, commands: 1000), let long = callgrind(step, commands: 3000)
    else { return nil }
    let perCommand = { (count: (CallgrindFile) -> Int) in Double(count(long) - count(short)) / 2000 }
    return StepCounts(
      instructions: perCommand { $0.instructions },
      allocations: perCommand { $0.calls(to: ["malloc", "calloc", "realloc", "posix_memalign"]) },
      statements: perCommand { $0.calls(to: ["sqlite3_step"]) },
      syncs: perCommand { $0.calls(to: ["fdatasync", "fsync"]) })
  }

  /// valgrind 3.19 cannot read the debugging information of Swift 6.3.
  private var stripped: String? {
    let copy = scratch.appending(path: "micro-stripped").path
    _ = Shell.output(["strip", "--strip-debug", "-o", copy, micro])
    return FileManager.default.isExecutableFile(atPath: copy) ? copy : nil
  }

  private func callgrind(_ step: String, commands: Int) -> CallgrindFile? {
    let file = scratch.appending(path: "callgrind.out").path
    unlink(file)
    guard let stripped else { return nil }
    _ = Shell.output([
      "valgrind", "--tool=callgrind", "--callgrind-out-file=\(file)", stripped, "count", step, String(commands),
    ])
    return (try? String(contentsOfFile: file, encoding: .utf8)).flatMap(CallgrindFile.init)
  }
}

/// What one command costs in a step, in numbers that another machine would give too.
struct StepCounts: Codable, Sendable {
  var instructions: Double
  /// Of memory, from the C library.
  var allocations: Double
  /// Calls of sqlite3_step.
  var statements: Double
  var syncs: Double
}

/// As much of callgrind's output as is needed: https://valgrind.org/docs/manual/cl-format.html
struct CallgrindFile {
  let instructions: Int
  private var callsTo: [String: Int] = [:]

  init?(_ text: String) {
    var names: [Substring: Substring] = [:]
    var called: Substring?
    var total: Int?
    for line in text.split(separator: "\n") {
      if line.hasPrefix("cfn=") {
        // "(12) name" defines the number, "(12)" uses it.
        let parts = line.dropFirst(4).split(separator: " ", maxSplits: 1)
        if parts.count == 2 { names[parts[0]] = parts[1] }
        called = names[parts[0]]
      } else if line.hasPrefix("fn=") {
        let parts = line.dropFirst(3).split(separator: " ", maxSplits: 1)
        if parts.count == 2 { names[parts[0]] = parts[1] }
      } else if line.hasPrefix("calls="), let name = called {
        callsTo[String(name), default: 0] += line.dropFirst(6).split(separator: " ").first.flatMap { Int($0) } ?? 0
      } else if line.hasPrefix("totals:") || line.hasPrefix("summary:") {
        total = line.split(separator: " ").last.flatMap { Int($0) }
      }
    }
    guard let total else { return nil }
    instructions = total
  }

  func calls(to functions: [String]) -> Int { functions.reduce(0) { $0 + (callsTo[$1] ?? 0) } }
}
