import Dispatch
import Glibc

/// Steps of a command's way by themselves, and the maker of large stores.
///
///     micro time                          every step, in nanoseconds a command
///     micro count STEP COMMANDS           one step that often, to be run under callgrind
///     micro fill STORE OPERATIONS SERVERS
@main
struct Micro {
  // Not async: valgrind 3.19 dies of the signal mask with which the main thread then waits.
  nonisolated static func main() {
    let finished = DispatchSemaphore(value: 0)
    // On the cooperative pool: the main thread only waits.
    Task { @concurrent in
      do { try await run() } catch {
        print("micro: \(error)")
        exit(1)
      }
      finished.signal()
    }
    finished.wait()
  }

  @concurrent private static func run() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    switch arguments.first {
    case "time":
      for step in Step.allCases { print("\(step.rawValue)\t\(try await time(step))") }
    case "count":
      guard arguments.count == 3, let step = Step(rawValue: arguments[2]), let count = Int(arguments[3]) else {
        usage()
      }
      try await step.run(count)
    case "fill":
      guard arguments.count == 4, let operations = Int(arguments[3]), let servers = Int(arguments[4]) else { usage() }
      try await StoreFiller(path: arguments[2]).fill(operations: operations, servers: servers)
    default: usage()
    }
  }

  private static func usage() -> Never {
    print("usage: micro time | count STEP COMMANDS | fill STORE OPERATIONS SERVERS")
    exit(64)
  }

  /// The quickest of five: what others on the machine do only ever adds.
  private static func time(_ step: Step) async throws -> Int {
    let count = 20_000
    var best = Int.max
    for _ in 0..<5 {
      // What a step prepares is in both, and drops out.
      let short = try await ContinuousClock().measure { try await step.run(1000) }
      let long = try await ContinuousClock().measure { try await step.run(count + 1000) }
      best = min(best, Int((long - short) / .nanoseconds(1)) / count)
    }
    return best
  }
}
