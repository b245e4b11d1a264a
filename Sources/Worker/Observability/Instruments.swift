package import Lifecycle
package import CoreMetrics
package import Metrics

/// The worker's metrics, made once, so that the hot path looks nothing up.
package struct Instruments: Sendable {
  private let decided: [CommandName: [Outcome: Counter]]
  private let duplicates: [CommandName: Counter]
  private let rejections: [RejectionCode: Counter]
  package let parked: Gauge
  package let batchSize: Recorder
  package let batchDuration: Metrics.Timer
  package let eventsConfirmed: Counter
  package let eventsUnroutable: Counter
  package let eventsRestarted: Counter
  package let outboxDepth: Gauge
  package let repliesSent: Counter
  package let repliesDropped: Counter
  package let repliesFailed: Counter
  package let deadLettersOldestAge: Gauge
  package let deadLettersTakenIn: Counter
  package let pauses: Counter
  package let deafnesses: Counter
  private let letters: [LetterNote.Kind: Counter]
  private let reconnects: [ConnectionRole: Counter]
  package let active: Gauge
  private let factory: any MetricsFactory

  package init(factory: any MetricsFactory) {
    self.factory = factory
    func counter(_ name: MetricName, _ dimensions: [(String, String)] = []) -> Counter {
      Counter(label: name.rawValue, dimensions: dimensions, factory: factory)
    }
    func gauge(_ name: MetricName) -> Gauge { Gauge(label: name.rawValue, dimensions: [], factory: factory) }
    func table<Key: Hashable & CaseIterable, Value>(_ make: (Key) -> Value) -> [Key: Value] {
      Dictionary(uniqueKeysWithValues: Key.allCases.map { ($0, make($0)) })
    }
    decided = table { command in
      table { outcome in
        counter(.commandsDecided, [("command", command.rawValue), ("outcome", outcome.rawValue)])
      }
    }
    duplicates = table { counter(.commandsDuplicate, [("command", $0.rawValue)]) }
    rejections = table { counter(.commandsRejected, [("code", $0.rawValue)]) }
    parked = gauge(.commandsParked)
    batchSize = Recorder(label: MetricName.batchSize.rawValue, dimensions: [], aggregate: true, factory: factory)
    batchDuration = Metrics.Timer(label: MetricName.batchDuration.rawValue, dimensions: [], factory: factory)
    eventsConfirmed = counter(.eventsConfirmed)
    eventsUnroutable = counter(.eventsUnroutable)
    eventsRestarted = counter(.eventsRestarted)
    outboxDepth = gauge(.outboxDepth)
    repliesSent = counter(.replies, [("result", "sent")])
    repliesDropped = counter(.replies, [("result", "dropped")])
    repliesFailed = counter(.replies, [("result", "failed")])
    deadLettersOldestAge = gauge(.deadLettersOldestAge)
    deadLettersTakenIn = counter(.deadLettersTakenIn)
    pauses = counter(.pauses)
    deafnesses = counter(.deafnesses)
    letters = table { counter(.deadLettersEvents, [("event", $0.rawValue)]) }
    reconnects = table { counter(.reconnects, [("connection", $0.rawValue)]) }
    active = gauge(.active)
  }

  package func countDecided(_ command: CommandName, _ outcome: Outcome, by count: Int) {
    decided[command]?[outcome]?.increment(by: Int64(count))
  }
  package func countDuplicate(_ command: CommandName, by count: Int) {
    duplicates[command]?.increment(by: Int64(count))
  }
  package func countRejected(_ code: RejectionCode, by count: Int) {
    rejections[code]?.increment(by: Int64(count))
  }

  package func countLetters(_ kind: LetterNote.Kind, by count: Int) { letters[kind]?.increment(by: Int64(count)) }

  package func deadLetters(inState state: String) -> Gauge {
    Gauge(label: MetricName.deadLetters.rawValue, dimensions: [("state", state)], factory: factory)
  }

  /// That connection is lost, or could not be opened, and is to be opened again.
  func countReconnect(_ role: ConnectionRole) { reconnects[role]?.increment() }
}
