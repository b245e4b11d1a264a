package import Lifecycle

/// The commands that wait un-acked for another one to come (contract section 3, "Parking").
///
/// Pure: it keeps who waits and in which order; deciding them again is the processor's business. A value, so that a
/// batch whose transaction fails leaves the lot as it was.
package struct ParkingLot<Payload: Sendable>: Sendable {
  /// Why a command is here.
  package enum Reason: Hashable, Sendable {
    /// For the state of the server; what comes later for that server waits behind.
    case state
    /// For its `ifVersion` alone; nothing waits behind.
    case version
    /// Behind one that waits for the state.
    case behind
  }

  package struct Entry: Sendable {
    /// Ascending in the order of arrival.
    package let ticket: UInt64
    package let server: ServerID
    package let queue: CommandName
    package var reason: Reason
    /// On the caller's monotonic clock: when patience is over.
    package let deadline: Duration
    package let payload: Payload
  }

  /// At most so many per queue, those behind included.
  package let limit: Int
  private var entries: [ServerID: [Entry]] = [:]
  private var counts: [CommandName: Int] = [:]
  private var nextTicket: UInt64 = 0

  package init(limit: Int) {
    precondition(limit >= 0)
    self.limit = limit
  }

  package var count: Int { counts.values.reduce(0, +) }
  package var isEmpty: Bool { entries.isEmpty }

  /// Whether a later command of this name for this server has to wait behind.
  package func blocks(_ command: CommandName, for server: ServerID) -> Bool {
    guard !entries.isEmpty, !command.overtakesParked, let waiting = entries[server] else { return false }
    return waiting.contains { $0.reason != .version }
  }

  package func hasRoom(in queue: CommandName) -> Bool { counts[queue, default: 0] < limit }

  /// Those parked for a server, in the order of arrival.
  package func waiting(for server: ServerID) -> [Entry] { entries[server] ?? [] }

  /// Every payload, in no order.
  package var payloads: [Payload] { entries.isEmpty ? [] : entries.values.flatMap { $0.map { $0.payload } } }

  package mutating func park(
    _ payload: Payload, for server: ServerID, in queue: CommandName, reason: Reason, deadline: Duration
  ) {
    precondition(hasRoom(in: queue), "the caller decides at once what finds the lot full")
    let entry = Entry(
      ticket: nextTicket, server: server, queue: queue, reason: reason, deadline: deadline, payload: payload)
    nextTicket += 1
    entries[server, default: []].append(entry)
    counts[queue, default: 0] += 1
  }

  /// Says why an entry still waits, after it was decided again.
  package mutating func keep(_ ticket: UInt64, for server: ServerID, reason: Reason) {
    guard let index = entries[server]?.firstIndex(where: { $0.ticket == ticket }) else {
      preconditionFailure("entry \(ticket) is not parked")
    }
    entries[server]?[index].reason = reason
  }

  package mutating func remove(_ ticket: UInt64, for server: ServerID) {
    guard let index = entries[server]?.firstIndex(where: { $0.ticket == ticket }), var waiting = entries[server] else {
      preconditionFailure("entry \(ticket) is not parked")
    }
    counts[waiting[index].queue, default: 0] -= 1
    waiting.remove(at: index)
    entries[server] = waiting.isEmpty ? nil : waiting
  }

  /// When the first patience is over.
  package var nextDeadline: Duration? {
    guard !entries.isEmpty else { return nil }
    return entries.values.lazy.flatMap { $0 }.map { $0.deadline }.min()
  }

  /// Those whose patience is over, in the order of arrival.
  package func overdue(at now: Duration) -> [Entry] {
    guard !entries.isEmpty else { return [] }
    return entries.values.flatMap { $0.filter { $0.deadline <= now } }.sorted { $0.ticket < $1.ticket }
  }
}
