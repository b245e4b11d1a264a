package import Lifecycle

/// The last messages of the events log, in its order. Pure: what they say of the store that wrote them.
package struct LogTail: Hashable, Sendable {
  package struct Message: Hashable, Sendable {
    /// The AMQP message-id, which of an event is its id.
    package let id: UUID128?
    package let body: [UInt8]

    package init(id: UUID128?, body: [UInt8]) {
      self.id = id
      self.body = body
    }
  }

  package var messages: [Message]

  package init(_ messages: [Message]) { self.messages = messages }

  /// What the log ends with. `nil`: none of these messages is an event of Ostler's.
  ///
  /// After a lost connection events are published again from the first unconfirmed one on, so the last one is not always
  /// the latest: of the store that wrote the last one, the latest of all counts.
  package var end: LogEnd? {
    guard let last = messages.lazy.reversed().compactMap({ LoggedEvent($0.body) }).first else { return nil }
    // Reading thousands of them costs more than comparing what their ids say; the best that is an event is the latest.
    let candidates = messages.compactMap { message -> (parts: EventID.Parts, body: [UInt8])? in
      guard let parts = message.id.flatMap(EventID.parts), parts.fits(last.storeID) else { return nil }
      return (parts, message.body)
    }.sorted { ($0.parts.epoch, $0.parts.position) > ($1.parts.epoch, $1.parts.position) }
    for candidate in candidates {
      guard (candidate.parts.epoch, candidate.parts.position) > (last.place.epoch, last.place.position) else { break }
      if let event = LoggedEvent(candidate.body), event.storeID == last.storeID {
        return LogEnd(storeID: event.storeID, place: event.place, time: event.time)
      }
    }
    return LogEnd(storeID: last.storeID, place: last.place, time: last.time)
  }
}

/// The latest event in the log of the store that wrote its end.
package struct LogEnd: Hashable, Sendable {
  package let storeID: UUID128
  package let place: LogPlace
  package let time: Timestamp

  package init(storeID: UUID128, place: LogPlace, time: Timestamp) {
    self.storeID = storeID
    self.place = place
    self.time = time
  }
}
