package import Lifecycle

/// Where an event stands in the story of its store. Of two places of one store the later is the greater.
package struct LogPlace: Hashable, Comparable, Sendable {
  package let epoch: Int64
  package let position: Int64

  package init(epoch: Int64, position: Int64) {
    self.epoch = epoch
    self.position = position
  }

  package static func < (left: LogPlace, right: LogPlace) -> Bool {
    (left.epoch, left.position) < (right.epoch, right.position)
  }
}

/// An event of Ostler's, read back from the events log.
package struct LoggedEvent: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    case change(ServerEvent)
    case snapshot, snapshotCompleted
    case command(CommandEvent.Kind)
    case quota
  }

  package let storeID: UUID128
  package let place: LogPlace
  package let id: UUID128
  package let time: Timestamp
  package let kind: Kind
  /// The version of the server, of a change and of a snapshot.
  package let version: Int64?
  /// An object.
  package let data: Detail

  /// `nil`: no event that Ostler has published. Its id has to be the one of its place, so that what merely looks like an
  /// event is not taken for one.
  package init?(_ body: [UInt8]) {
    guard let event = try? JSONReader.document(body), event["specversion"]?.text == "1.0",
      let storeID = event["storeid"]?.text.flatMap({ UUID128($0) }),
      let epoch = event["epoch"]?.integer, (1...EventID.maxEpoch).contains(epoch),
      let position = event["position"]?.text.flatMap({ Int64($0) }), (1...EventID.maxPosition).contains(position),
      let id = event["id"]?.text.flatMap({ UUID128($0) }),
      id == EventID.make(storeID: storeID, epoch: epoch, position: position),
      let time = event["time"]?.text.flatMap({ Timestamp(rfc3339: $0) }),
      let kind = event["type"]?.text.flatMap(Kind.init), let data = event["data"], case .fields = data
    else { return nil }
    self.storeID = storeID
    place = LogPlace(epoch: epoch, position: position)
    self.id = id
    self.time = time
    self.kind = kind
    version = event["sequence"]?.text.flatMap { Int64($0) }
    self.data = data
    switch kind {
    case .change: if version == nil { return nil }
    case .snapshot, .snapshotCompleted, .command, .quota: break
    }
  }
}

extension LoggedEvent.Kind {
  /// Of a type such as `ostler.server.isolated.v1`.
  init?(type: String) {
    let words = type.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard words.count == 4, words[0] == "ostler", words[3] == "v1" else { return nil }
    switch (words[1], words[2]) {
    case ("server", "snapshot"): self = .snapshot
    case ("server", "snapshotCompleted"): self = .snapshotCompleted
    case ("server", let name):
      guard let event = ServerEvent(rawValue: name) else { return nil }
      self = .change(event)
    case ("command", let name):
      guard let kind = CommandEvent.Kind(rawValue: name) else { return nil }
      self = .command(kind)
    case ("quota", "set"), ("quota", "removed"): self = .quota
    default: return nil
    }
  }
}
