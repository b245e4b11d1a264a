import Synchronization

/// What each part of the worker says of itself. Ready when all of them are.
package final class Health: Sendable {
  /// The parts, in the order in which a reader wants to hear of them.
  package enum Part: String, CaseIterable, Sendable {
    case store, lock, consumer, publisher
  }

  package enum Status: Hashable, Sendable {
    case ready
    /// Not ready, and why, in words for the operator.
    case notReady(String)
  }

  private let statuses = Mutex<[Part: Status]>(
    Dictionary(uniqueKeysWithValues: Part.allCases.map { ($0, .notReady("starting")) }))

  package init() {}

  package func set(_ part: Part, _ status: Status) { statuses.withLock { $0[part] = status } }

  package var isReady: Bool { statuses.withLock { $0.values.allSatisfy { $0 == .ready } } }

  /// One line a part.
  package var report: String {
    let current = statuses.withLock { $0 }
    return Part.allCases.map { part in
      switch current[part] {
      case .ready: "\(part.rawValue): ready\n"
      case .notReady(let reason): "\(part.rawValue): \(reason)\n"
      case nil: preconditionFailure("every part has a status")
      }
    }.joined()
  }
}
