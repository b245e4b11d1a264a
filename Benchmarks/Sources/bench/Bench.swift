import ArgumentParser
import Foundation
import Wire

/// The benchmark; `scripts/bench` builds everything and calls it.
@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measures how fast Ostler is.",
    subcommands: [Measure.self, Check.self], defaultSubcommand: Measure.self)
}

/// `bench measure`, which is also `bench`.
struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures Ostler against an echo that stores nothing, and against peers.",
    discussion: "Called by scripts/bench, which builds the programs and starts a broker.")

  enum Section: String, CaseIterable, ExpressibleByArgument {
    case drain, log, mix, allocate, latency, memory, growth, peers, micro
  }

  @Option(help: "Address of the broker.") var uri: String
  @Option(help: "Process id of the broker, for what it costs.") var brokerProcess: Int32
  @Option(help: "Version of the broker.") var brokerVersion: String
  @Option(help: "Folder of the built programs.") var programs: String
  @Option(help: "A folder for stores and results; what is in it may be overwritten.") var scratch: String
  @Flag(help: "Small loads: about two minutes.") var quick = false
  @Flag(help: "Peers too.") var peers = false
  @Option(help: "Folder with what the peers need.") var peerPrograms: String
  @Option(help: "Folder with the sources of the peers.") var peerSources: String
  @Option(
    parsing: .upToNextOption,
    help: "Only these: \(Section.allCases.map(\.rawValue).joined(separator: ", ")).")
  var only: [Section] = []
  @Option(help: "Commands in a backlog (200000; 40000 with --quick).") var count: Int?
  @Option(help: "How often each drain is repeated (5; 2 with --quick).") var rounds: Int?
  @Option(help: "Operations in the large store (10000000; 1000000 with --quick).") var operations: Int?
  @Option(parsing: .upToNextOption, help: "Commands a second at which latency is measured.")
  var rates = [100, 1000, 5000]
  @Option(help: "How long each rate is held (20; 4 with --quick).") var seconds: Double?
  @Option(help: "Commands over which memory is watched (1000000; 100000 with --quick).") var memoryCount: Int?

  func run() throws {
    let site = Site(
      uri: uri, brokerProcess: brokerProcess, programs: URL(filePath: programs), scratch: URL(filePath: scratch),
      peers: URL(filePath: peerPrograms), peerSources: URL(filePath: peerSources))
    let conditions = Conditions.collect(brokerVersion: brokerVersion)
    for line in conditions.lines { print(line) }
    print()
    for namespace in [Namespace.plain, .logged] { try namespace.declare(site) }
    let report = try Sections(
      site: site, count: count ?? (quick ? 40_000 : 200_000), rounds: rounds ?? (quick ? 2 : 5), isQuick: quick,
      operations: operations ?? (quick ? 1_000_000 : 10_000_000),
      memoryCount: memoryCount ?? (quick ? 100_000 : 1_000_000), rates: rates, seconds: seconds ?? (quick ? 4 : 20)
    ).run(sections, conditions: conditions)
    try report.write(to: site.scratch)
    print("Written: \(site.scratchFile("bench.json")), \(site.scratchFile("bench.svg"))")
  }

  private var sections: [Section] {
    if !only.isEmpty { return only }
    return Section.allCases.filter { $0 != .peers || peers }
  }
}
