import Wire

/// A backlog, drained: what a subscriber saw of it.
struct DrainResult: Codable, Sendable {
  var contestant: String
  var load: String
  var commands: Int
  /// From the first to the last event.
  var seconds: Double
  var commandsPerSecond: Double { Double(commands - 1) / seconds }
  /// From the start of the program to the first event.
  var secondsToFirstEvent: Double
  /// Of the program and of the broker, per command, from before the start to the last event.
  var programMicrosecondsPerCommand: Double
  var brokerMicrosecondsPerCommand: Double
  var peakResidentMiB: Double
  var eventBytes: Int
  var changed: Int
  var unchanged: Int
  var rejected: Int
  /// Resident memory in the course of it: at every 1 % of the commands.
  var residentMiB: [Double] = []
}

struct Drain {
  let site: Site
  let namespace: Namespace

  /// Publishes the backlog, starts the program, and counts events until there is one for each command.
  func run(_ contestant: Contestant, _ load: Load) throws -> DrainResult {
    try namespace.purge(site)
    Backlog(site: site, namespace: namespace).publish(load)
    return try drain(contestant, load)
  }

  /// The same for a backlog that is there already.
  func drain(_ contestant: Contestant, _ load: Load) throws -> DrainResult {
    let link = Link(site.uri)
    wire_prefetch(link.wire, 5000)
    wire_consume(link.wire, namespace.subscriber)
    try contestant.prepare(site)
    let brokerBefore = ProcessCost(of: site.brokerProcess)
    let begun = Link.now
    let program = try contestant.start(site, namespace)
    var result = DrainResult(
      contestant: contestant.name, load: load.name, commands: load.count, seconds: 0, secondsToFirstEvent: 0,
      programMicrosecondsPerCommand: 0, brokerMicrosecondsPerCommand: 0, peakResidentMiB: 0, eventBytes: 0, changed: 0,
      unchanged: 0, rejected: 0)
    var first: Int64 = 0
    var last = begun
    var seen = 0
    var bytes = 0
    var unacknowledged: UInt64 = 0
    let step = max(1, load.eventCount / 100)
    while seen < load.eventCount {
      let event = link.next(atMost: 1000)
      guard event.kind == WIRE_DELIVERY else {
        guard program.isRunning else { throw BenchError("\(contestant.name) ended after \(seen) events") }
        guard Link.now - last < 60_000_000_000 else {
          try program.stop()
          throw BenchError("\(contestant.name): nothing came for 60 s after \(seen) of \(load.eventCount) events")
        }
        continue
      }
      last = Link.now
      unacknowledged += 1
      if unacknowledged == 500 {
        wire_ack(link.wire, event.tag, true)
        unacknowledged = 0
      }
      // A snapshot has two events; the first counts.
      if event.hasKey(prefix: "server.snapshotCompleted") { continue }
      if seen == 0 { first = last }
      seen += 1
      bytes += event.body_length
      if event.hasKey(prefix: "command.") {
        if event.hasSuffix("unchanged") {
          result.unchanged += 1
        } else {
          result.rejected += 1
        }
      } else {
        result.changed += 1
      }
      if seen % step == 0 { result.residentMiB.append(Double(program.cost.residentBytes) / 1_048_576) }
    }
    let cost = program.cost
    let broker = ProcessCost(of: site.brokerProcess)
    try program.stop()
    result.seconds = Double(last - first) / 1e9
    result.secondsToFirstEvent = Double(first - begun) / 1e9
    result.programMicrosecondsPerCommand = cost.cpuSeconds * 1e6 / Double(load.count)
    result.brokerMicrosecondsPerCommand = (broker.cpuSeconds - brokerBefore.cpuSeconds) * 1e6 / Double(load.count)
    result.peakResidentMiB = Double(cost.peakResidentBytes) / 1_048_576
    result.eventBytes = bytes / load.eventCount
    return result
  }
}

extension wire_event {
  func hasSuffix(_ suffix: StaticString) -> Bool {
    let count = suffix.utf8CodeUnitCount
    return routing_key_length >= count && routingKey.suffix(count).elementsEqual(suffix.withUTF8Buffer { Array($0) })
  }
}
