import AMQP
import Lifecycle
import Worker

/// Publishes commands and knows what the broker confirmed; asks, and gets answers by direct reply-to.
package final class Sender: Sendable {
  struct State: Sendable {
    var confirmed: Set<UInt64> = []
    var nacked: Set<UInt64> = []
    var answers: [String: JSONNode] = [:]
    var isBlocked = false
    var failure: AMQPError?
  }

  private let connection: Connection
  private let exchange: String
  private let state: Watched<State>
  private let reading: Task<Void, Never>

  package init(_ stage: Stage) async throws {
    let connection = try await stage.connect("test-sender")
    try await connection.enableConfirms()
    try await connection.consume("amq.rabbitmq.reply-to", noAck: true)
    let state = Watched(State())
    self.connection = connection
    self.state = state
    exchange = stage.topology.commandsExchange
    reading = Task {
      do throws(AMQPError) {
        while true { Self.note(try await connection.receive(maxCount: 1000, maxBytes: 1 << 24), in: state) }
      } catch {
        state.update { $0.failure = error }
      }
    }
  }

  deinit { reading.cancel() }

  private static func note(_ inbound: [Inbound], in state: Watched<State>) {
    state.update { state in
      for one in inbound {
        switch one {
        case .confirmed(let sequence, let multiple):
          state.confirmed.formUnion(multiple ? 1...sequence : sequence...sequence)
        case .nacked(let sequence, let multiple): state.nacked.formUnion(multiple ? 1...sequence : sequence...sequence)
        case .delivery(let delivery):
          if let id = delivery.properties.correlationID { state.answers[id] = try? JSONNode(delivery.body.bytes) }
        case .blocked: state.isBlocked = true
        case .unblocked: state.isBlocked = false
        case .returned, .consumerCancelled: break
        }
      }
    }
  }

  /// Publishes in order and returns when the broker has confirmed all of them.
  package func send(_ orders: [Order]) async throws {
    var rest = orders[...]
    var last: UInt64 = 0
    while !rest.isEmpty {
      // Another test may have raised an alarm at the broker.
      _ = try await state.wait { !$0.isBlocked || $0.failure != nil }
      if let failure = state.value.failure { throw failure }
      let published = try await connection.publish(
        rest.map {
          OutboundMessage(
            exchange: exchange, routingKey: $0.command.rawValue, properties: $0.properties, body: $0.body)
        })
      rest = rest.dropFirst(published.count)
      if published.count > 0 { last = published.first + UInt64(published.count) - 1 }
    }
    let wanted = last
    guard
      try await state.wait(
        atMost: patience,
        until: { state in
          state.failure != nil || !state.nacked.isEmpty || (1...wanted).allSatisfy(state.confirmed.contains)
        }) != nil
    else { throw TimedOut(what: "the broker confirms \(orders.count) commands", after: patience) }
    if let failure = state.value.failure { throw failure }
    if !state.value.nacked.isEmpty { throw TimedOut(what: "the broker refused a command", after: .zero) }
  }

  package func send(_ orders: Order...) async throws { try await send(orders) }

  /// Sends a command and waits for its answer.
  package func ask(_ order: Order, within limit: Duration = patience) async throws -> JSONNode {
    let id = UUID128(randomHigh: .random(in: 0 ... .max), randomLow: .random(in: 0 ... .max)).description
    try await send([order.asking("amq.rabbitmq.reply-to", id)])
    guard let answer = try await state.wait(atMost: limit, until: { $0.answers[id] != nil })?.answers[id] else {
      throw TimedOut(what: "an answer to \(order)", after: limit)
    }
    return answer
  }

  package func close() async {
    reading.cancel()
    await connection.close()
  }
}
