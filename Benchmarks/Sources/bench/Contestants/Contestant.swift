import Foundation

/// A program that takes commands and publishes events.
enum Contestant: Hashable, Sendable {
  /// - Parameter store: a store to begin with; it is copied first.
  case ostler(store: String)
  /// - Parameter syncs: writes and syncs every batch before publishing it.
  case echo(eventBytes: Int, syncs: Bool, commands: [String])
  case peer(Peer)

  var name: String {
    switch self {
    case .ostler: "Ostler"
    case .echo(_, let syncs, _): syncs ? "echo + fsync" : "echo"
    case .peer(let peer): peer.rawValue
    }
  }

  static let prefetch = 1000

  /// What has to be there before it starts, on the disk and not only on its way to it.
  func prepare(_ site: Site) throws {
    guard case .ostler(let store) = self else { return }
    let path = Self.runStore(site)
    for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    // The log too: the worker may have left something in it.
    for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: store + suffix) {
      try FileManager.default.copyItem(atPath: store + suffix, toPath: path + suffix)
    }
    sync()
  }

  private static func runStore(_ site: Site) -> String { site.scratchFile("run.sqlite") }

  /// Starts what ``prepare(_:)`` has prepared.
  func start(_ site: Site, _ namespace: Namespace) throws -> RunningProgram {
    switch self {
    case .ostler: return try Self.startOstler(site, namespace, store: Self.runStore(site))
    case .echo(let eventBytes, let syncs, let commands):
      var arguments = [
        site.uri, namespace.eventsExchange, "server.isolated.isolated.1", String(eventBytes), String(Self.prefetch),
      ]
      if syncs { arguments += ["--fsync", site.scratchFile("synced")] }
      arguments += commands.map(namespace.queue)
      return try RunningProgram(site.echo, arguments)
    case .peer(let peer): return try peer.start(site, namespace)
    }
  }

  /// - Parameter store: used as it is, and created where there is none.
  static func startOstler(_ site: Site, _ namespace: Namespace, store: String) throws -> RunningProgram {
    try RunningProgram(site.ostler, ["run"], environment: ostlerEnvironment(site, namespace, store: store))
  }

  static func ostlerEnvironment(_ site: Site, _ namespace: Namespace, store: String) -> [String: String] {
    [
      "OSTLER_AMQP_URI": site.uri, "OSTLER_AMQP_NAMESPACE": namespace.name,
      "OSTLER_EVENTS_LOG_ENABLED": String(namespace.hasEventsLog), "OSTLER_STORE_PATH": store,
      "OSTLER_HTTP_ADDRESS": "127.0.0.1:0", "OSTLER_LOG_LEVEL": "error",
      "OSTLER_AMQP_PREFETCH": String(prefetch),
    ]
  }
}
