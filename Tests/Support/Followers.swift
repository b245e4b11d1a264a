/// A mirror of the states, as the last sentence of contract section 6 describes it: ignores what is not higher, by
/// (epoch, sequence), than the last for that source.
package struct Mirror {
  private var last: [String: (epoch: Int64, sequence: Int64)] = [:]
  /// State and version by server.
  package private(set) var states: [String: String] = [:]

  package init(following events: [EventRecord]) {
    for event in events {
      guard event.source.hasPrefix("/servers/"), let sequence = event.sequence, let epoch = event.json.epoch.integer
      else { continue }
      if let known = last[event.source], (epoch, sequence) <= known { continue }
      last[event.source] = (epoch, sequence)
      states[String(event.source.dropFirst("/servers/".count))] = "\(event.data.state.text ?? "") \(sequence)"
    }
  }
}

/// Counts live allocations by client: handles every id once.
package struct Counter {
  /// Clients with none are left out.
  package private(set) var live: [String: Int] = [:]

  package init(counting events: [EventRecord]) {
    var seen: Set<String> = []
    var open: [String: String] = [:]
    for event in events where !event.isSnapshot {
      guard seen.insert(event.id).inserted, let id = event.data.allocation.id.text,
        let client = event.data.allocation.clientId.integer
      else { continue }
      open[id] = event.data.allocation.endedAt == .absent ? String(client) : nil
    }
    live = open.values.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }
}

extension StoreProbe {
  /// State and version by server, as ``Mirror`` writes them.
  package func states() throws -> [String: String] {
    try rows("SELECT id, state, version FROM servers").reduce(into: [:]) { $0[$1[0]] = "\($1[1]) \($1[2])" }
  }

  /// As ``Counter`` writes them.
  package func liveAllocations() throws -> [String: Int] {
    try rows("SELECT client_id, count(*) FROM allocations WHERE ended_at IS NULL GROUP BY 1").reduce(into: [:]) {
      $0[$1[0]] = Int($1[1])
    }
  }
}
