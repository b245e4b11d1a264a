import ArgumentParser
import Foundation

/// `bench check`: what a command costs in instructions, allocations, statements and syncs, against the limits in the
/// repository. Needs no broker and no quiet machine.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compares counts that hardly depend on the machine with the limits in the repository.",
    discussion: "Status 1 when one is over its limit. Needs valgrind.")

  @Option(help: "Folder of the built programs.") var programs: String
  @Option(help: "A folder for files in between.") var scratch: String
  @Option(help: "JSON with the limits: step → counts for one command.") var limits: String

  func run() throws {
    let limits = try JSONDecoder().decode([String: StepCounts].self, from: Data(contentsOf: URL(filePath: limits)))
    let micro = Micro(programs: URL(filePath: programs), scratch: URL(filePath: scratch))
    var table = Table("for one command", "is", "may be", "")
    var isOver = false
    for (step, limit) in limits.sorted(by: { $0.key < $1.key }) {
      guard let counts = micro.counts(of: step) else {
        throw ValidationError("'\(step)' could not be counted; is valgrind installed?")
      }
      for (name, path, decimals) in [
        ("instructions", \StepCounts.instructions, 0), ("allocations", \.allocations, 1),
        ("SQL steps", \.statements, 2),
        ("syncs", \.syncs, 3),
      ] as [(String, KeyPath<StepCounts, Double>, Int)] {
        let isWithin = counts[keyPath: path] <= limit[keyPath: path]
        if !isWithin { isOver = true }
        table.row(
          "\(step): \(name)", counts[keyPath: path].text(decimals), limit[keyPath: path].text(decimals),
          isWithin ? "" : "OVER")
      }
    }
    table.print()
    if isOver { throw ExitCode(1) }
  }
}
