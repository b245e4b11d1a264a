import Foundation
import Histogram
import Wire

/// From the moment at which a command was due to be published to its event in the subscriber's hand.
struct LatencyResult: Codable, Sendable {
  var contestant: String
  /// Commands a second.
  var rate: Int
  var commands: Int
  var p50Microseconds: Double
  var p90Microseconds: Double
  var p99Microseconds: Double
  var p999Microseconds: Double
  var maxMicroseconds: Double
  /// How late the generator itself published, at the 99th percentile: what it adds by itself.
  var generatorP99Microseconds: Double
  /// Percentile and microseconds, for the plot.
  var curve: [CurvePoint]

  struct CurvePoint: Codable, Sendable {
    var percentile: Double
    var microseconds: Double
  }
}

struct Latency {
  let site: Site
  let namespace: Namespace

  /// Publishes at a fixed rate whatever comes back, and counts from the schedule: a stall delays all that was due in it
  /// (no coordinated omission).
  func run(_ contestant: Contestant, rates: [Int], seconds: Double) throws -> [LatencyResult] {
    try namespace.purge(site)
    try contestant.prepare(site)
    let program = try contestant.start(site, namespace)
    defer { try? program.stop() }
    // The first ones pay for caches, statements and the broker's own waking up.
    _ = try measure(contestant, rate: 200, seconds: 2, seed: 1)
    return try rates.enumerated().map { index, rate in
      try measure(contestant, rate: rate, seconds: seconds, seed: UInt64(index + 2))
    }
  }

  private func measure(_ contestant: Contestant, rate: Int, seconds: Double, seed: UInt64) throws -> LatencyResult {
    let count = max(1, Int(Double(rate) * seconds))
    let load = Load.isolation(count, seed: seed &* 7_919 &+ UInt64(rate))
    let interval = 1_000_000_000 / Int64(rate)
    let start = Link.now + 200_000_000
    let publisher = Publisher(site: site, namespace: namespace, load: load, start: start, interval: interval)
    let thread = Thread { publisher.run() }
    thread.start()
    defer { publisher.mayLeave.signal() }

    let link = Link(site.uri)
    wire_prefetch(link.wire, 10_000)
    wire_consume(link.wire, namespace.subscriber)
    var histogram = Histogram<UInt64>(highestTrackableValue: 120_000_000_000, numberOfSignificantValueDigits: .three)
    var seen = [Bool](repeating: false, count: count)
    var missing = count
    var unacknowledged: UInt64?
    while missing > 0 {
      let event = link.next(atMost: unacknowledged == nil ? 30_000 : 5)
      guard event.kind == WIRE_DELIVERY else {
        guard let tag = unacknowledged else {
          throw BenchError("\(contestant.name) at \(rate)/s: \(missing) of \(count) events did not come within 30 s")
        }
        wire_ack(link.wire, tag, true)
        unacknowledged = nil
        continue
      }
      let now = Link.now
      unacknowledged = event.tag
      if event.tag % 200 == 0 {
        wire_ack(link.wire, event.tag, true)
        unacknowledged = nil
      }
      // Events of the run before may still come, and the same event twice.
      guard let number = event.commandNumber, number < count, !seen[number] else { continue }
      seen[number] = true
      missing -= 1
      histogram.record(UInt64(max(0, now - start - Int64(number) * interval)))
    }
    if let unacknowledged { wire_ack(link.wire, unacknowledged, true) }
    publisher.finished.wait()
    let microseconds = { (percentile: Double) in Double(histogram.valueAtPercentile(percentile)) / 1000 }
    return LatencyResult(
      contestant: contestant.name, rate: rate, commands: count, p50Microseconds: microseconds(50),
      p90Microseconds: microseconds(90), p99Microseconds: microseconds(99), p999Microseconds: microseconds(99.9),
      maxMicroseconds: Double(histogram.max) / 1000, generatorP99Microseconds: publisher.p99Microseconds,
      curve: [0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100].map {
        LatencyResult.CurvePoint(percentile: $0, microseconds: microseconds($0))
      })
  }

  // Unchecked: its results are read only after `finished` was signalled.
  private final class Publisher: @unchecked Sendable {
    private let site: Site
    private let namespace: Namespace
    private let load: Load
    private let start: Int64
    private let interval: Int64
    private(set) var p99Microseconds = 0.0
    let finished = DispatchSemaphore(value: 0)
    /// Until then its connection stays: what a channel has not yet handed to a quorum queue, and nobody has asked confirms
    /// for, is lost with the channel.
    let mayLeave = DispatchSemaphore(value: 0)

    init(site: Site, namespace: Namespace, load: Load, start: Int64, interval: Int64) {
      self.site = site
      self.namespace = namespace
      self.load = load
      self.start = start
      self.interval = interval
    }

    func run() {
      let link = Link(site.uri)
      var lateness = Histogram<UInt64>(highestTrackableValue: 120_000_000_000, numberOfSignificantValueDigits: .two)
      for index in 0..<load.count {
        let command = load.command(index)
        let due = start + Int64(index) * interval
        var until = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
        while clock_nanosleep(CLOCK_MONOTONIC, Int32(TIMER_ABSTIME), &until, nil) == EINTR {}
        link.publish(command.body, to: namespace.commandsExchange, key: command.name)
        lateness.record(UInt64(max(0, Link.now - due)))
      }
      p99Microseconds = Double(lateness.valueAtPercentile(99)) / 1000
      finished.signal()
      mayLeave.wait()
      withExtendedLifetime(link) {}
    }
  }
}

extension wire_event {
  /// Of the command that the event tells of.
  var commandNumber: Int? {
    var event = self
    guard let start = wire_operation(&event) else { return nil }
    return CommandID.number(of: UnsafeRawBufferPointer(start: start, count: 36))
  }
}
