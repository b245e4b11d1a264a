import AMQP
package import Lifecycle
package import Store

/// What happened after a backup was taken, as the events tell it that came after it. Pure: events go in, in the order of
/// the log.
///
/// Bounded by the number of servers and of quota rows, not by that of events.
package struct LostStory: Sendable {
  /// Something that the restored store has to know of.
  package enum Fact: Hashable, Sendable {
    case operation(LostOperation)
    /// A replay of this letter was applied or changed nothing.
    case letterReplayed(UUID128)
  }

  /// Events that the log does not have (any more).
  package struct Gap: Hashable, Sendable {
    package let epoch: Int64
    /// `nil`: where the epoch began is not known.
    package let first: Int64?
    package let last: Int64
  }

  static let maxLetters = 10_000
  static let maxGaps = 20

  package let storeID: UUID128
  /// Of the last event that the backup knows.
  package let backup: LogPlace

  package private(set) var servers: [ServerID: LostServer] = [:]
  package private(set) var quotas: [QuotaKey: LostQuota] = [:]
  /// Letters that were kept after the backup, and not replayed since: they are gone.
  package private(set) var letters: [UUID128: LostLetter] = [:]
  /// Those beyond ``maxLetters``.
  package private(set) var moreLetters = 0
  package private(set) var gaps: [Gap] = []
  package private(set) var gapCount = 0
  /// Events after the backup, each counted once.
  package private(set) var count = 0
  /// The latest event; `nil`: there is none after the backup.
  package private(set) var latest: LogPlace?
  package private(set) var latestAt: Timestamp?
  /// Whether an event was seen that the backup knows: then nothing is missing between it and the first that it does not.
  package private(set) var hasSeenKnown = false

  package init(storeID: UUID128, backup: LogPlace) {
    self.storeID = storeID
    self.backup = backup
  }

  /// Takes the next event; those of other stores and those that the backup knows count as seen, no more.
  package mutating func take(_ event: LoggedEvent) -> [Fact] {
    guard event.storeID == storeID else { return [] }
    guard event.place > backup else {
      hasSeenKnown = true
      return []
    }
    guard isNext(event.place) else { return [] }
    count += 1
    latest = event.place
    latestAt = max(event.time, latestAt ?? event.time)
    switch event.kind {
    case .change: return take(change: event)
    case .command(let kind): return take(command: event, kind)
    case .quota:
      takeQuota(event)
      return []
    case .snapshot, .snapshotCompleted: return []
    }
  }

  /// Events come in order, and after a lost connection some come again. Notes what is missing in between.
  private mutating func isNext(_ place: LogPlace) -> Bool {
    let last = latest ?? backup
    guard place > last else { return false }
    if place.epoch == last.epoch {
      if place.position > last.position + 1 {
        note(Gap(epoch: place.epoch, first: last.position + 1, last: place.position - 1))
      }
    } else if latest == nil, !hasSeenKnown {
      // The log begins in a later epoch than the backup.
      note(Gap(epoch: place.epoch, first: nil, last: place.position - 1))
    }
    return true
  }

  /// The store that wrote these events had come that far: what is not known of it by now is missing.
  package mutating func end(at place: LogPlace) {
    let last = latest ?? backup
    guard place > last else { return }
    note(
      Gap(
        epoch: place.epoch, first: place.epoch == last.epoch ? last.position + 1 : nil, last: place.position))
  }

  private mutating func note(_ gap: Gap) {
    gapCount += 1
    if gaps.count < Self.maxGaps { gaps.append(gap) }
  }

  private mutating func take(change event: LoggedEvent) -> [Fact] {
    guard let change = LostChange(event) else { return [] }
    if servers[change.serverID] == nil {
      servers[change.serverID] = LostServer(change)
    } else {
      servers[change.serverID]?.take(change)
    }
    return operation(of: event, .applied, server: change.serverID).map { [.operation($0)] } ?? []
  }

  private mutating func take(command event: LoggedEvent, _ kind: CommandEvent.Kind) -> [Fact] {
    let letter = event.data["deadLetterId"]?.text.flatMap { UUID128($0) }
    switch kind {
    case .unchanged:
      guard let server = event.data["serverId"]?.integer.map(ServerID.init),
        let operation = operation(of: event, .unchanged, server: server)
      else { return [] }
      return [.operation(operation)]
    case .replayed:
      guard let letter else { return [] }
      letters[letter] = nil
      return [.letterReplayed(letter)]
    case .rejected, .deadLettered:
      guard let letter else { return [] }
      if letters.count < Self.maxLetters || letters[letter] != nil {
        letters[letter] = LostLetter(letter, event)
      } else {
        moreLetters += 1
      }
      return []
    }
  }

  private mutating func takeQuota(_ event: LoggedEvent) {
    guard let quota = LostQuota(event) else { return }
    quotas[quota.key] = quota
  }

  /// The operation that an event tells of, where a copy of it could still do harm. Setting a quota again does none, and
  /// neither does a snapshot.
  private func operation(of event: LoggedEvent, _ outcome: Outcome, server: ServerID) -> LostOperation? {
    guard let text = event.data["operationUuid"]?.text, let id = OperationID(text),
      let command = event.data["command"]?.text.flatMap(CommandName.init(rawValue:))
    else { return nil }
    let subject: OperationKey.Subject
    switch command {
    case .allocate: subject = .none
    case .deallocate, .compensate, .isolate, .unisolate, .available, .quarantine, .unquarantine, .enroll, .reclassify,
      .decommission:
      subject = .server(server)
    case .setQuota, .snapshot: return nil
    }
    var data: [UInt8]?
    if command == .allocate {
      var writer = JSONWriter(capacity: 768)
      writer.value(event.data)
      data = writer.bytes
    }
    return LostOperation(
      key: OperationKey(command: command, id: id, subject: subject), outcome: outcome, decidedAt: event.time,
      eventID: event.id, serverID: server, serverVersion: event.version, data: data)
  }
}

/// A quota row that was set or removed after a backup was taken, as it was at the last.
package struct LostQuota: Hashable, Sendable {
  package let key: QuotaKey
  /// `nil`: removed.
  package let limit: Int?
  package let time: Timestamp
  package let actor: String?

  init?(_ event: LoggedEvent) {
    guard let client = event.data["clientId"]?.integer, let location = event.data["locationId"]?.integer,
      let type = event.data["instanceTypeId"]?.integer
    else { return nil }
    key = QuotaKey(
      clientID: ClientID(client), contractID: event.data["contractId"]?.text.flatMap { ContractID($0) },
      locationID: LocationID(location), instanceTypeID: InstanceTypeID(type))
    limit = event.data["newLimit"]?.integer.flatMap { Int(exactly: $0) }
    time = event.time
    actor = event.data["actor"]?.text
  }
}

/// A dead letter that was kept after a backup was taken: what its event told of it. The message itself is gone.
package struct LostLetter: Hashable, Sendable {
  package let id: UUID128
  package let command: String
  package let code: String
  package let message: String
  package let serverID: ServerID?
  package let clientID: ClientID?
  package let operation: String?
  package let actor: String?
  package let time: Timestamp

  init(_ id: UUID128, _ event: LoggedEvent) {
    self.id = id
    command = event.data["command"]?.text ?? "unknown"
    code = event.data["error"]?["code"]?.text ?? "unknown"
    message = event.data["error"]?["message"]?.text ?? ""
    serverID = event.data["serverId"]?.integer.map(ServerID.init)
    clientID = event.data["clientId"]?.integer.map(ClientID.init)
    operation = event.data["operationUuid"]?.text
    actor = event.data["actor"]?.text
    time = event.time
  }
}

extension OperationID {
  /// What events carry as `operationUuid`: a UUID, or a message-id as its text. `nil`: nothing that serves as a key.
  init?(_ text: String) {
    if let uuid = UUID128(text) {
      self = .uuid(uuid)
    } else if (1...ShortString.maxBytes).contains(ShortString.byteCount(text)) {
      self = .messageID(text)
    } else {
      return nil
    }
  }
}
