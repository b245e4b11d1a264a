/// The events in flight: published, and not yet confirmed. Pure; positions ascend with the sequence numbers.
///
/// Confirms come out of order once routes differ, and in groups (publisher confirms, RabbitMQ's extension of AMQP
/// 0-9-1): an event counts as done only when all before it are, so that a restart never leaves a gap.
package struct RelayWindow: Sendable {
  private struct Flight: Sendable {
    let position: Int64
    var isConfirmed = false
  }

  package enum Verdict: Hashable, Sendable {
    /// Everything through this position is confirmed, where that moved.
    case advanced(through: Int64?)
    /// The broker did not take one: publish again from the first unconfirmed one on.
    case restart
  }

  package let capacity: Int
  private var flights: [Flight] = []
  private var head = 0
  /// The sequence number of the flight at `head`.
  private var firstSequence: UInt64

  /// - Parameter nextSequence: the sequence number that the next publish on this channel gets; 1 on a new one.
  package init(capacity: Int, nextSequence: UInt64 = 1) {
    precondition(capacity > 0)
    self.capacity = capacity
    firstSequence = nextSequence
  }

  package var inFlight: Int { flights.count - head }
  package var room: Int { capacity - inFlight }
  package var isEmpty: Bool { inFlight == 0 }
  private var nextSequence: UInt64 { firstSequence + UInt64(inFlight) }

  /// Notes that the events at these positions get the next sequence numbers. Call before publishing: a confirm can
  /// come before the publish returns.
  package mutating func launch(_ positions: some Sequence<Int64>) {
    for position in positions { flights.append(Flight(position: position)) }
    precondition(inFlight <= capacity, "the window is bounded")
  }

  /// Takes back the last `count` launched ones, which were not written after all.
  package mutating func takeBack(_ count: Int) {
    precondition(count <= inFlight)
    flights.removeLast(count)
  }

  package mutating func confirmed(_ sequence: UInt64, multiple: Bool) -> Verdict {
    // A number below the window belongs to a flight that was given up by a restart, or was covered already.
    guard sequence >= firstSequence, sequence < nextSequence else { return .advanced(through: nil) }
    let index = head + Int(sequence - firstSequence)
    if multiple {
      for covered in head...index { flights[covered].isConfirmed = true }
    } else {
      flights[index].isConfirmed = true
    }
    var through: Int64?
    while head < flights.count, flights[head].isConfirmed {
      through = flights[head].position
      head += 1
      firstSequence += 1
    }
    if head > 4096 || head == flights.count {
      flights.removeFirst(head)
      head = 0
    }
    return .advanced(through: through)
  }

  package mutating func nacked(_ sequence: UInt64, multiple: Bool) -> Verdict {
    let isOurs = sequence < nextSequence && (sequence >= firstSequence)
    return isOurs ? .restart : .advanced(through: nil)
  }

  /// Gives up everything in flight; their confirms, should they come, no longer count.
  package mutating func restart() {
    firstSequence = nextSequence
    flights.removeAll(keepingCapacity: true)
    head = 0
  }

  /// After a restart while a publish was under way: it may have written fewer than were launched.
  package mutating func goesOn(at nextSequence: UInt64) {
    precondition(isEmpty, "nothing is launched between a restart and the end of the publish it came upon")
    firstSequence = nextSequence
  }
}
