import Foundation
import Wire

/// Stores to begin with, made by the worker itself and kept for as long as the run.
struct Fleet {
  let site: Site

  /// The path of a store in which that load has been applied.
  func store(after load: Load) throws -> String {
    let path = site.scratchFile("fleet-\(load.name.replacingOccurrences(of: " ", with: "-"))-\(load.count).sqlite")
    if FileManager.default.fileExists(atPath: path) { return path }
    let making = path + ".new"
    for suffix in ["", "-wal", "-shm"] { unlink(making + suffix) }
    let namespace = Namespace.plain
    try namespace.purge(site)
    Backlog(site: site, namespace: namespace).publish(load)
    let link = Link(site.uri)
    wire_prefetch(link.wire, 5000)
    wire_consume(link.wire, namespace.subscriber)
    let program = try Contestant.startOstler(site, namespace, store: making)
    for count in 1...load.count {
      var event = link.next(atMost: 30_000)
      while event.kind == WIRE_NOTHING && program.isRunning { event = link.next(atMost: 30_000) }
      guard event.kind == WIRE_DELIVERY else { throw BenchError("making \(load.name): only \(count) events came") }
      guard !event.hasKey(prefix: "command.") else {
        throw BenchError("making \(load.name): \(String(decoding: event.bodyBytes, as: UTF8.self))")
      }
      if count % 500 == 0 || count == load.count { wire_ack(link.wire, event.tag, true) }
    }
    try program.stop()
    for suffix in ["-wal", ""] { rename(making + suffix, path + suffix) }
    return path
  }

  /// The path of a store that has seen so many operations, written by the program `micro` without a broker.
  func filled(operations: Int, servers: Int) throws -> String {
    let path = site.scratchFile("filled-\(operations)-\(servers).sqlite")
    if FileManager.default.fileExists(atPath: path) { return path }
    let making = path + ".new"
    for suffix in ["", "-wal", "-shm"] { unlink(making + suffix) }
    print("Filling a store with \(operations) operations and \(servers) servers")
    let filler = try RunningProgram(
      site.programs.appending(path: "micro").path, ["fill", making, String(operations), String(servers)])
    guard filler.waitForEnd() == 0 else { throw BenchError("the store could not be filled") }
    for suffix in ["-wal", ""] { rename(making + suffix, path + suffix) }
    return path
  }

  static func size(of store: String) -> Int {
    ["", "-wal"].reduce(0) { sum, suffix in
      let attributes = try? FileManager.default.attributesOfItem(atPath: store + suffix)
      return sum + (attributes?[.size] as? Int ?? 0)
    }
  }
}
