import Foundation

/// All that one run has measured.
struct Report: Codable, Sendable {
  var conditions: Conditions
  var drains: [DrainGroup] = []
  var latencies: [LatencyResult] = []
  var memory: MemoryResult?
  var growth: GrowthResult?
  var micro: [MicroResult] = []

  /// Programs that drained the same load in turn.
  struct DrainGroup: Codable, Sendable {
    var title: String
    var results: [DrainResult]

    var contestants: [String] {
      var names: [String] = []
      for result in results where !names.contains(result.contestant) { names.append(result.contestant) }
      return names
    }

    func rates(of contestant: String) -> [Double] {
      results.filter { $0.contestant == contestant }.map(\.commandsPerSecond)
    }

    /// Of the medians.
    func ratio(of contestant: String, to other: String) -> Double {
      rates(of: contestant).median / rates(of: other).median
    }
  }

  struct MemoryResult: Codable, Sendable {
    var commands: Int
    var atTenPercentMiB: Double
    var atEndMiB: Double
    var peakMiB: Double
  }

  struct GrowthResult: Codable, Sendable {
    var operations: Int
    var servers: Int
    var storeGiB: Double
    var secondsToFirstEvent: Double
    var small: [DrainResult]
    var large: [DrainResult]
    var ratio: Double { large.map(\.commandsPerSecond).median / small.map(\.commandsPerSecond).median }
  }

  struct MicroResult: Codable, Sendable {
    var name: String
    var nanoseconds: Double
    /// `nil` where valgrind is missing.
    var counts: StepCounts?
  }
}

extension Report {
  static func print(_ group: DrainGroup, to base: String? = nil) {
    Swift.print("\(group.title) (\((Double(group.results.first?.commands ?? 0)).text()) commands)")
    var table = Table(
      "", "commands/s", "min … max", "× \(base ?? "first")", "CPU µs", "broker µs", "first event s", "peak MiB",
      "changed/same/refused")
    let reference = base ?? group.contestants.first ?? ""
    for name in group.contestants {
      let results = group.results.filter { $0.contestant == name }
      let rates = group.rates(of: name)
      table.row(
        name, rates.median.text(), "\((rates.min() ?? 0).text()) … \((rates.max() ?? 0).text())",
        group.ratio(of: name, to: reference).text(3), results.map(\.programMicrosecondsPerCommand).median.text(1),
        results.map(\.brokerMicrosecondsPerCommand).median.text(1),
        results.map(\.secondsToFirstEvent).median.text(2), results.map(\.peakResidentMiB).median.text(1),
        "\(results[0].changed)/\(results[0].unchanged)/\(results[0].rejected)")
    }
    table.print()
  }

  static func print(_ latencies: [LatencyResult]) {
    Swift.print("Latency, command due to be published → event in hand, milliseconds")
    var table = Table("", "rate/s", "p50", "p90", "p99", "p99.9", "max", "p50 ×", "generator p99")
    for result in latencies {
      let base = latencies.first { $0.rate == result.rate && $0.contestant == "echo + fsync" }
      table.row(
        result.contestant, String(result.rate), (result.p50Microseconds / 1000).text(2),
        (result.p90Microseconds / 1000).text(2), (result.p99Microseconds / 1000).text(2),
        (result.p999Microseconds / 1000).text(2), (result.maxMicroseconds / 1000).text(2),
        base.map { (result.p50Microseconds / $0.p50Microseconds).text(2) } ?? "-",
        (result.generatorP99Microseconds / 1000).text(2))
    }
    table.print()
  }

  static func print(_ growth: GrowthResult) {
    Swift.print(
      "Growth: \(Double(growth.operations).text()) operations and \(Double(growth.servers).text()) servers in the store "
        + "(\(growth.storeGiB.text(2)) GiB)")
    var table = Table("", "commands/s", "CPU µs", "× empty", "first event s")
    for (name, results) in [("empty", growth.small), ("large", growth.large)] {
      table.row(
        name, results.map(\.commandsPerSecond).median.text(),
        results.map(\.programMicrosecondsPerCommand).median.text(1),
        (name == "large" ? growth.ratio : 1).text(3), results.map(\.secondsToFirstEvent).median.text(2))
    }
    table.print()
  }

  static func print(_ memory: MemoryResult) {
    Swift.print(
      "Resident memory over \(Double(memory.commands).text()) commands: \(memory.atTenPercentMiB.text(1)) MiB at 10 %, "
        + "\(memory.atEndMiB.text(1)) MiB at the end, \(memory.peakMiB.text(1)) MiB at most\n")
  }

  static func print(_ micro: [MicroResult]) {
    Swift.print("Steps by themselves, for one command")
    var table = Table("", "ns", "instructions", "allocations", "SQL steps", "syncs")
    for result in micro {
      let counts = result.counts
      table.row(
        result.name, result.nanoseconds.text(), counts?.instructions.text() ?? "-", counts?.allocations.text(1) ?? "-",
        counts?.statements.text(2) ?? "-", counts?.syncs.text(3) ?? "-")
    }
    table.print()
  }

  func write(to folder: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    try encoder.encode(self).write(to: folder.appending(path: "bench.json"))
    try Data(Plot(self).svg.utf8).write(to: folder.appending(path: "bench.svg"))
  }
}
