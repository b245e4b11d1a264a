import Foundation
import TestSupport
import Testing

/// The worker's pipeline in a world that a seed decides: crashes, redelivery, refused and late confirms, a store in
/// trouble, lost connections, a second worker. Every run must keep both promises, and must repeat itself exactly.
@Suite("The worker, simulated", .serialized) struct SimulationTests {
  private static let environment = ProcessInfo.processInfo.environment
  /// Seeds that found something: in the worker, or in the model of the broker.
  private static let remembered: [UInt64] = [0, 3, 6, 10, 32, 66, 102, 137]

  @Test("Seeds that once found something, and then the first ones, as far as time allows")
  func known() async throws { try await run(Self.remembered + Array(0..<100_000)) }

  @Test("Seeds that nobody has seen, as far as time allows")
  func fresh() async throws {
    let first = UInt64.random(in: 1_000_000..<(1 << 62))
    print("the simulation's fresh seeds begin with \(first)")
    try await run((0..<100_000).map { first + $0 })
  }

  @Test(
    "A store that takes the note of a suspect and then fails over its transaction, again and again, convicts nobody")
  func halfATransaction() async throws {
    let failures = try await onOwnThread {
      let file = try StoreFile()
      return try (0..<12 as Range<UInt64>).flatMap { seed in
        let simulation = try Simulation(seed: seed, file: file) { weather in
          weather.set(.crash, 3)
          weather.commitFails = 2
          weather.hasPoison = false
        }
        return simulation.run().map { "seed \(seed): \($0)" }
      }
    }
    #expect(failures == [])
  }

  @Test("A seed that is run again does the same, step by step")
  func repeats() async throws {
    let differing = try await onOwnThread {
      let file = try StoreFile()
      return try (200..<206 as Range<UInt64>).compactMap { seed in
        let first = try Simulation(seed: seed, file: file, isRecording: true)
        _ = first.run()
        let second = try Simulation(seed: seed, file: file, isRecording: true)
        _ = second.run()
        // Nor does it matter whether anybody reads along.
        let third = try Simulation(seed: seed, file: file)
        _ = third.run()
        guard first.trace.lines == second.trace.lines, first.trace.digest == third.trace.digest else { return seed }
        return nil
      }
    }
    #expect(differing == [])
  }

  @Test(
    "The seed of OSTLER_SIMULATION_SEED, with its story", .enabled(if: environment["OSTLER_SIMULATION_SEED"] != nil))
  func one() async throws {
    let seed = try #require(Self.environment["OSTLER_SIMULATION_SEED"].flatMap { UInt64($0) })
    let problems = try await onOwnThread {
      let simulation = try Simulation(seed: seed, file: StoreFile(), isRecording: true)
      simulation.trace.print = { print($0) }
      return simulation.run()
    }
    #expect(problems == [])
  }

  /// Runs seeds one after the other, for `OSTLER_SIMULATION_SECONDS`, 12 unless it is set.
  private func run(_ seeds: [UInt64]) async throws {
    let limit = Duration.seconds(Self.environment["OSTLER_SIMULATION_SECONDS"].flatMap { Int($0) } ?? 12)
    let failures = try await onOwnThread {
      let file = try StoreFile()
      let end = ContinuousClock.now + limit
      var (runs, steps) = (0, 0)
      var failures: [String] = []
      for seed in seeds where ContinuousClock.now < end && failures.count < 10 {
        let simulation = try Simulation(seed: seed, file: file)
        for problem in simulation.run() {
          failures.append("seed \(seed), step \(simulation.steps): \(problem)")
        }
        runs += 1
        steps += simulation.steps
      }
      print("simulated \(runs) runs of \(steps) steps")
      return failures
    }
    #expect(
      failures == [], "OSTLER_SIMULATION_SEED=<seed> scripts/test --filter SimulationTests tells the story of one")
  }
}
