import Synchronization
package import Store

/// How far the outbox has come: what is committed, what the broker has confirmed, and what the store knows of that.
///
/// The pipeline commits; the relay confirms; the next batch's transaction takes the mark along, so that marking costs no
/// fsync of its own.
package final class OutboxProgress: Sendable {
  package struct State: Hashable, Sendable {
    /// Of the newest event in the store.
    package var newest: Int64 = 0
    /// Every event through this position is confirmed.
    package var confirmed: Int64 = 0
    /// Every event through this position is out of the store's outbox.
    package var marked: Int64 = 0
    /// How often the broker has refused an event, so that publishing begins again at the first unconfirmed one.
    package var refusals = 0
    /// The turn at being active that this is about.
    package var turn: Int?
    /// Another worker has taken over the store: what is left to publish is that one's to publish.
    package var isFenced = false

    package init(newest: Int64 = 0, confirmed: Int64 = 0, marked: Int64 = 0) {
      self.newest = newest
      self.confirmed = confirmed
      self.marked = marked
    }

    /// Nothing is left to publish.
    package var isDrained: Bool { marked >= newest }

    /// What a transaction should delete, if anything.
    package var pending: Int64? { confirmed > marked ? confirmed : nil }
  }

  package let state = Watched(State())
  private let handoff = Mutex(OutboxHandoff(newest: 0))

  package init() {}

  /// A turn at being active begins: this is what the store says.
  ///
  /// - Parameter firstUnmarked: the position of the first event in the outbox, `nil` when it is empty.
  package func begin(newest: Int64, firstUnmarked: Int64?, turn: Int? = nil) {
    let marked = firstUnmarked.map { $0 - 1 } ?? newest
    handoff.withLock { $0 = OutboxHandoff(newest: newest) }
    var begun = State(newest: newest, confirmed: marked, marked: marked)
    begun.turn = turn
    state.set(begun)
  }

  /// These are in the store, durably.
  package func committed(_ events: [OutboxEvent]) {
    guard let newest = events.last?.position else { return }
    handoff.withLock { $0.add(events) }
    state.update { $0.newest = max($0.newest, newest) }
  }

  /// The events after `position` in commit order, at most `limit` of them; `nil` where the store has to be asked.
  package func committed(after position: Int64, limit: Int) -> [OutboxEvent]? {
    handoff.withLock { $0.take(after: position, limit: limit) }
  }

  package func confirmed(through position: Int64) {
    state.update { $0.confirmed = max($0.confirmed, position) }
  }

  /// What was published has to be published again; whoever waits for more to publish is woken.
  package func refused() {
    state.update { $0.refusals += 1 }
  }

  /// A transaction of that turn was refused, because another worker has taken over the store.
  package func fenced(inTurn turn: Int) {
    state.update { if $0.turn == turn { $0.isFenced = true } }
  }

  /// The transaction that deleted through this position is durable.
  package func marked(through position: Int64) {
    state.update { $0.marked = max($0.marked, position) }
  }
}
