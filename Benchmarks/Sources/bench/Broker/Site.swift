import Foundation
import Wire

/// Where the benchmark runs: the broker, the programs under test, a folder for stores.
struct Site: Sendable {
  let uri: String
  let brokerProcess: Int32
  /// Where `ostler`, `echo` and `micro` are.
  let programs: URL
  let scratch: URL
  /// What the peers need, and their sources.
  let peers: URL
  let peerSources: URL

  var ostler: String { programs.appending(path: "ostler").path }
  var echo: String { programs.appending(path: "echo").path }

  func scratchFile(_ name: String) -> String { scratch.appending(path: name).path }
}

/// The exchanges and queues of one namespace, and the subscriber's own queue.
struct Namespace: Hashable, Sendable {
  let name: String
  /// Whether the broker keeps a stream of all events besides.
  let hasEventsLog: Bool

  static let plain = Namespace(name: "bench", hasEventsLog: false)
  static let logged = Namespace(name: "benchlog", hasEventsLog: true)

  static let commands = [
    "allocate", "deallocate", "compensate", "isolate", "unisolate", "available", "quarantine", "unquarantine", "enroll",
    "reclassify", "decommission", "set-quota", "snapshot",
  ]

  var commandsExchange: String { "\(name).commands" }
  var eventsExchange: String { "\(name).events" }
  var deadLetters: String { "\(name).dead-letters" }
  /// The quorum queue that every event is counted from.
  var subscriber: String { "\(name)-subscriber" }

  func queue(of command: String) -> String { "\(name).commands.\(command)" }

  var eventsLog: String { "\(name).events.log" }

  /// The worker's own objects, and the subscriber.
  func declare(_ site: Site) throws {
    try declareTopology(site)
    let link = Link(site.uri)
    wire_declare_quorum_queue(link.wire, subscriber)
    wire_bind(link.wire, subscriber, eventsExchange, "#")
  }

  private func declareTopology(_ site: Site) throws {
    let program = try RunningProgram(
      site.ostler, ["topology"],
      environment: Contestant.ostlerEnvironment(site, self, store: site.scratchFile("none.sqlite")))
    guard program.waitForEnd() == 0 else { throw BenchError("'ostler topology' failed") }
  }

  /// Every run has a store of its own, and a worker refuses one whose events are not those of the log: that goes too.
  func purge(_ site: Site) throws {
    let link = Link(site.uri)
    for command in Self.commands { wire_purge(link.wire, queue(of: command)) }
    wire_purge(link.wire, deadLetters)
    wire_purge(link.wire, subscriber)
    guard hasEventsLog else { return }
    wire_delete_queue(link.wire, eventsLog)
    try declareTopology(site)
  }
}
