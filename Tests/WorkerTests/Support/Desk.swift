import AMQP
import Foundation
import Lifecycle
import Store
import TestSupport
import Worker

/// Batches over a real store file, with a clock that the test sets and no broker.
final class Desk {
  static let worker = UUID128(randomHigh: 1, randomLow: 1)

  let directory: TemporaryDirectory
  let store: Store
  let token: WorkerToken
  let topology: Topology
  let intake: Intake
  /// The wall clock.
  var now = Timestamp(milliseconds: 1_790_000_000_000)
  var monotonic = Duration.zero
  var patience = Duration.seconds(30)
  var lot: ParkingLot<CommandTask>
  private var lastTag: UInt64 = 0
  private var seenPosition: Int64 = 0

  init(parkingLimit: Int = 200, change: (inout Settings) -> Void = { _ in }) async throws {
    var settings = Settings.standard
    change(&settings)
    directory = try TemporaryDirectory()
    store = try Store.open(at: directory.storePath)
    token = try await store.takeOver(as: Desk.worker).token
    topology = Topology(settings)
    intake = Intake(settings: settings)
    lot = ParkingLot(limit: parkingLimit)
  }

  func delivery(
    _ order: Order, exchange: String? = nil, routingKey: String? = nil, redelivered: Bool = false
  ) -> Delivery {
    lastTag += 1
    return Delivery(
      consumer: ConsumerTag("test"), tag: DeliveryTag(generation: 1, value: lastTag), redelivered: redelivered,
      exchange: exchange ?? topology.commandsExchange,
      routingKey: routingKey ?? order.command.rawValue, properties: order.properties, body: .whole(order.body))
  }

  /// One batch, in one transaction.
  @discardableResult
  func run(_ orders: Order...) async throws -> BatchProcessor.Result {
    try await process(orders.map { intake.receive(delivery($0), from: .commands($0.command)) })
  }

  /// Each in a batch of its own.
  func each(_ orders: Order...) async throws {
    for order in orders { try await run(order) }
  }

  func process(_ batch: [Received], failing failure: StoreError? = nil) async throws -> BatchProcessor.Result {
    let rules = BatchRules(
      topology: topology, intake: intake, patience: patience, now: now, monotonicNow: monotonic)
    let result = try await store.commit(owner: token) { [lot] transaction throws(StoreError) in
      let processor = BatchProcessor(transaction: transaction, rules: rules, lot: lot)
      let result = try processor.process(batch)
      if let failure { throw failure }
      return result
    }
    lot = result.lot
    return result
  }

  // MARK: What the store says

  /// The events since the last call, in the order of their positions.
  func newEvents() async throws -> [EventRecord] {
    let rows = try await store.read { [seenPosition] snapshot throws(StoreError) in
      try snapshot.outbox(after: seenPosition, limit: 100_000, maxBytes: .max)
    }
    seenPosition = rows.last?.position ?? seenPosition
    return try rows.map { row in
      try EventRecord(routingKey: row.routingKey, body: row.encoded(for: store.identity.storeID).bytes)
    }
  }

  func server(_ id: Int64) async throws -> Server? {
    try await store.read { snapshot throws(StoreError) in try snapshot.server(ServerID(id)) }
  }

  func history(_ id: Int64) async throws -> [HistoryEntry] {
    try await store.read { snapshot throws(StoreError) in
      var entries: [HistoryEntry] = []
      for position in try snapshot.historyPositions(of: ServerID(id)) {
        if let entry = try snapshot.historyEntry(at: position) { entries.append(entry) }
      }
      return entries
    }
  }

  func letters() async throws -> [DeadLetter] {
    try await store.read { snapshot throws(StoreError) in try snapshot.letters(limit: 1000).letters }
  }

  func attempts(of order: Order) async throws -> [OperationRecord] {
    guard case .success(let message) = CommandDecoder.decode(intake.envelope(of: order, topology)),
      let key = message.key
    else { return [] }
    return try await store.read { snapshot throws(StoreError) in try snapshot.attempts(of: key) }
  }

  func use(_ key: QuotaKey) async throws -> Int {
    try await store.read { snapshot throws(StoreError) in try snapshot.use(of: key) }
  }
}

extension Intake {
  fileprivate func envelope(of order: Order, _ topology: Topology) -> CommandEnvelope {
    CommandEnvelope(
      command: order.command, exchange: topology.commandsExchange, routingKey: order.command.rawValue,
      namespace: namespace.rawValue, messageID: order.messageID, body: .bytes(order.body), maxBytes: maxBytes,
      requireKey: requireKey, requireBaselineID: requireBaselineID)
  }
}

extension BatchProcessor.Result {
  /// The answers, read as JSON.
  func answers() throws -> [JSONNode] { try replies.map { try JSONNode($0.body) } }
  /// The only answer.
  func answer() throws -> JSONNode {
    let all = try answers()
    guard all.count == 1 else { throw NotOne(count: all.count) }
    return all[0]
  }
  var settledTags: [UInt64] { settled.map(\.value) }
}

struct NotOne: Error { let count: Int }
