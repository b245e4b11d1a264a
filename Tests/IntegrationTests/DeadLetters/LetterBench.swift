import AMQP
import Foundation
import Lifecycle
import Store
import Testing
import TestSupport
import Worker

/// What tests of dead letters do again and again.
extension Fleet {
  /// Waiting would only make the tests slow.
  static let quick = ["OSTLER_PARKING_PATIENCE": "50ms"]
  /// For an installation that goes on with another store, which the events log of the first would have refused.
  static let quickWithTwoStores = ["OSTLER_PARKING_PATIENCE": "50ms", "OSTLER_EVENTS_LOG_ENABLED": "false"]

  var storePath: String { bench.path("ostler.sqlite") }

  /// Publishes orders as a sender of another make would, and waits until the broker has them.
  func publish(_ orders: [Order]) async throws {
    try await publish(
      orders.map {
        OutboundMessage(
          exchange: topology.commandsExchange, routingKey: $0.command.rawValue, properties: $0.properties,
          body: $0.body)
      })
  }

  func publish(_ messages: [OutboundMessage]) async throws {
    try await Self.withConnection { connection in
      try await connection.enableConfirms()
      var rest = messages[...]
      var waiting: Set<UInt64> = []
      while !rest.isEmpty || !waiting.isEmpty {
        if !rest.isEmpty {
          let published = try await connection.publish(Array(rest.prefix(200)))
          waiting.formUnion(published.sequences)
          rest = rest.dropFirst(published.count)
        }
        for inbound in try await connection.receive(maxCount: 500, maxBytes: 1 << 20) {
          switch inbound {
          case .confirmed(let sequence, let multiple):
            waiting = waiting.filter { multiple ? $0 > sequence : $0 != sequence }
          case .nacked: Issue.record("the broker did not take a message of the test")
          case .returned, .blocked, .unblocked, .delivery, .consumerCancelled: break
          }
        }
      }
    }
  }

  /// The letters that match, as the command line lists them.
  func letters(_ filter: String = "") async throws -> [JSONNode] {
    let listed = try await bench.shell("ostler dl list --json \(filter)")
    try #require(listed.status == 0, "\(listed.complaints)")
    return try Self.objects(listed)
  }

  private static func objects(_ ended: Ended) throws -> [JSONNode] {
    try ended.lines.map { try JSONNode(Array($0.utf8)) }
  }

  /// Looks again and again until so many letters match. Each look is a process of its own, so this spins slowly.
  @discardableResult
  func letters(_ filter: String = "", count: Int) async throws -> [JSONNode] {
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      let listed = try await bench.shell("ostler dl list --json \(filter)")
      // 69: the worker has yet to make the store.
      try #require(listed.status == 0 || listed.status == 69, "\(listed.complaints)")
      if listed.status == 0, listed.lines.count == count { return try Self.objects(listed) }
      try #require(.now < deadline, "\(listed.lines.count) letters match '\(filter)', not \(count)")
    }
  }

  /// Runs the command line, which must succeed.
  @discardableResult
  func done(_ line: String) async throws -> Ended {
    let ended = try await bench.shell("ostler " + line)
    try #require(ended.status == 0, "\(line): status \(ended.status): \(ended.complaints)\(ended.output)")
    return ended
  }

  func withStore<Result: Sendable>(
    _ body: @escaping @Sendable (Snapshot) throws(StoreError) -> Result
  ) async throws -> Result {
    let store = try Store.openForReading(at: storePath)
    let result = try await store.read(body)
    await store.close()
    return result
  }

  /// The version of a server; 0 where there is none. Every command that was applied to it raised it by one.
  func version(of server: Int64) async throws -> Int64 {
    try await withStore { (snapshot) throws(StoreError) in try snapshot.server(ServerID(server))?.version ?? 0 }
  }
}

extension JSONNode {
  var items: [JSONNode] { if case .array(let items) = self { items } else { [] } }
}
