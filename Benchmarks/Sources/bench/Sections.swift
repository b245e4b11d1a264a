import Foundation

/// The parts of a run, one after the other.
struct Sections {
  let site: Site
  let count: Int
  let rounds: Int
  let isQuick: Bool
  let operations: Int
  let memoryCount: Int
  let rates: [Int]
  /// Of each rate.
  let seconds: Double

  private var plain: Drain { Drain(site: site, namespace: .plain) }
  private static let isolation = ["isolate", "unisolate"]

  func run(_ sections: [Measure.Section], conditions: Conditions) throws -> Report {
    var report = Report(conditions: conditions)
    for section in sections {
      switch section {
      case .drain: try add(drain(), to: &report, base: "echo")
      case .log: try add(log(), to: &report, base: "echo")
      case .mix: try add(mix(), to: &report, base: "echo")
      case .allocate: try add(allocate(), to: &report, base: "echo")
      case .peers: try add(peers(), to: &report, base: "Ostler")
      case .latency:
        report.latencies = try latency()
        Report.print(report.latencies)
      case .memory:
        let memory = try memory()
        report.memory = memory
        Report.print(memory)
      case .growth:
        let growth = try growth()
        report.growth = growth
        Report.print(growth)
      case .micro:
        report.micro = Micro(programs: site.programs, scratch: site.scratch).run()
        Report.print(report.micro)
      }
    }
    return report
  }

  private func add(_ group: Report.DrainGroup, to report: inout Report, base: String) {
    report.drains.append(group)
    Report.print(group, to: base)
  }

  private func fleet() throws -> Contestant {
    .ostler(store: try Fleet(site: site).store(after: .enrolment(Load.fleetSize)))
  }

  /// The program under test and the echo in turn, so that a change of the machine's mood meets both.
  private func duel(
    _ title: String, _ drain: Drain, _ contestant: Contestant, rounds: Int, _ load: (UInt64) -> Load
  ) throws -> Report.DrainGroup {
    var results: [DrainResult] = []
    for round in 1...rounds {
      let ours = try drain.run(contestant, load(seed(round)))
      let commands = Set((0..<min(load(0).count, 1000)).map { load(0).command($0).name }).sorted()
      results += [
        ours,
        try drain.run(
          .echo(eventBytes: ours.eventBytes, syncs: false, commands: commands), load(seed(round))),
      ]
    }
    return Report.DrainGroup(title: title, results: results)
  }

  /// Different in every round and every run.
  private func seed(_ round: Int) -> UInt64 { UInt64(Date.now.timeIntervalSince1970) &* 1000 &+ UInt64(round) }

  private func drain() throws -> Report.DrainGroup {
    try duel("Backlog of isolate/unisolate over 10,000 servers, events log off", plain, fleet(), rounds: rounds) {
      .isolation(count, seed: $0)
    }
  }

  private func log() throws -> Report.DrainGroup {
    try duel(
      "The same, events log on", Drain(site: site, namespace: .logged), fleet(), rounds: isQuick ? 1 : 2
    ) { .isolation(count, seed: $0) }
  }

  private func mix() throws -> Report.DrainGroup {
    let count = min(count, 100_000)
    let store = try Fleet(site: site).store(after: .mixFleet(count))
    return try duel(
      "Backlog of all commands, mixed", plain, .ostler(store: store), rounds: isQuick ? 1 : 2
    ) { .mix(count, seed: $0) }
  }

  private func allocate() throws -> Report.DrainGroup {
    let store = try Fleet(site: site).store(after: .market())
    return try duel(
      "Backlog of allocate/deallocate, 100,000 servers, 1,000 quota rows", plain, .ostler(store: store),
      rounds: isQuick ? 1 : 2
    ) { .allocation(min(count, 50_000), seed: $0) }
  }

  private func peers() throws -> Report.DrainGroup {
    // They take minutes for what the others do in seconds.
    let small = isQuick ? 2000 : 10_000
    var results = [try plain.run(fleet(), .isolation(count, seed: seed(0)))]
    for peer in Peer.allCases { results.append(try plain.run(.peer(peer), .isolation(small, seed: seed(1)))) }
    return Report.DrainGroup(title: "Peers doing the same durable job, isolate/unisolate", results: results)
  }

  private func latency() throws -> [LatencyResult] {
    let bytes = 700
    let latency = Latency(site: site, namespace: .plain)
    var results: [LatencyResult] = []
    for contestant in [
      .echo(eventBytes: bytes, syncs: true, commands: Self.isolation), try fleet(),
    ] as [Contestant] {
      results += try latency.run(contestant, rates: rates, seconds: seconds)
    }
    return results.sorted { ($0.rate, $0.contestant) < ($1.rate, $1.contestant) }
  }

  private func memory() throws -> Report.MemoryResult {
    let result = try plain.run(fleet(), .isolation(memoryCount, seed: seed(1)))
    return Report.MemoryResult(
      commands: memoryCount, atTenPercentMiB: result.residentMiB[9], atEndMiB: result.residentMiB.last ?? 0,
      peakMiB: result.peakResidentMiB)
  }

  private func growth() throws -> Report.GrowthResult {
    let servers = Load.largeFleetSize
    let large = try Fleet(site: site).filled(operations: operations, servers: servers)
    let rounds = isQuick ? 1 : 3
    var result = Report.GrowthResult(
      operations: operations, servers: servers, storeGiB: Double(Fleet.size(of: large)) / 1_073_741_824,
      secondsToFirstEvent: 0, small: [], large: [])
    for round in 1...rounds {
      result.small.append(try plain.run(fleet(), .isolation(count, seed: seed(round))))
      // Over all of its servers: a fleet of ten thousand would stay in the cache.
      result.large.append(
        try plain.run(.ostler(store: large), .isolation(count, servers: servers, seed: seed(round))))
    }
    result.secondsToFirstEvent = result.large.map(\.secondsToFirstEvent).median
    return result
  }
}
