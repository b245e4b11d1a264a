import Foundation

/// What others would write for the same job, as the documentation of their libraries recommends.
enum Peer: String, CaseIterable, Sendable {
  case pika = "Python: pika + sqlite3"
  case fastStream = "Python: FastStream + sqlite3"
  case go = "Go: amqp091-go + go-sqlite3"

  /// - Parameter site: says where the sources are, and where `scripts/bench --peers` has installed the rest.
  private func command(_ site: Site) -> [String] {
    let python = site.peers.appending(path: "venv/bin/python").path
    let source = { (name: String) in site.peerSources.appending(path: name).path }
    return switch self {
    case .pika: [python, source("pika_worker.py")]
    case .fastStream: [python, source("faststream_worker.py")]
    case .go: [site.peers.appending(path: "go_worker").path]
    }
  }

  func start(_ site: Site, _ namespace: Namespace) throws -> RunningProgram {
    let store = site.scratchFile("peer.sqlite")
    for suffix in ["", "-wal", "-shm"] { unlink(store + suffix) }
    let command = command(site)
    guard FileManager.default.isExecutableFile(atPath: command[0]) else {
      throw BenchError("\(command[0]) is missing; scripts/bench --peers installs it")
    }
    return try RunningProgram(
      command[0], Array(command.dropFirst()) + [site.uri, namespace.name, store],
      environment: ["BENCH_SCHEMA": site.peerSources.appending(path: "schema.sql").path])
  }
}

struct BenchError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
