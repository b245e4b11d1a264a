import Lifecycle
import Store

/// Judges commands over a view of the state, in the contract's order (section 2): dedup, `notAfter`, then what the command
/// is about. Asks `Lifecycle`, changes nothing.
struct Judge<View: StateView> {
  let view: View
  let now: Timestamp
  let random: RandomSource

  /// What speaks before the command itself: that it was decided before, or that it comes too late.
  ///
  /// - Returns: `nil` when it is to be decided.
  func screen(_ message: CommandMessage, isReplay: Bool) throws(StoreError) -> Settlement? {
    if let key = message.key {
      let records = try view.attempts(of: key)
      let settlement =
        isReplay ? verdict(onReplayOf: message, key, records) : verdict(on: message, key, records)
      if let settlement { return settlement }
      if let lost = try view.lostOperation(key) { return verdict(on: message, lost, isReplay: isReplay) }
    }
    if let notAfter = message.notAfter, now > notAfter {
      return .rejected(.expired(notAfter: notAfter, now: now), takesKey: true)
    }
    return nil
  }

  func judge(_ message: CommandMessage) throws(StoreError) -> Judgement {
    switch message.command {
    case .allocate(let request): .settled(try allocate(request))
    case .onServer(let id, let command): try judge(command, for: id, ifVersion: message.ifVersion)
    case .setQuota(let key, let limit): .settled(try setQuota(key, to: limit))
    case .snapshot(let scope): .settled(try snapshot(scope))
    }
  }

  private func verdict(
    on message: CommandMessage, _ key: OperationKey, _ records: [OperationRecord]
  ) -> Settlement? {
    switch key.verdict(
      attempt: message.attempt, fingerprint: message.fingerprint, decided: records.map(\.decided))
    {
    case .fresh: return nil
    case .duplicate(let attempt):
      guard let record = records.first(where: { $0.attempt == attempt.attempt }) else {
        preconditionFailure("the verdict names an attempt that was given")
      }
      return .duplicate(record)
    case .conflict(let rejection): return .rejected(rejection, takesKey: false)
    }
  }

  /// What dedup says to a replay: one that was rejected is decided afresh, one that was applied never again.
  ///
  /// - Returns: `nil` when it is to be decided.
  private func verdict(
    onReplayOf message: CommandMessage, _ key: OperationKey, _ records: [OperationRecord]
  ) -> Settlement? {
    if records.contains(where: { $0.outcome != .rejected && $0.attempt > message.attempt }) { return .alreadyApplied }
    let own = records.first {
      $0.outcome == .rejected && $0.attempt == message.attempt && $0.fingerprint == message.fingerprint
    }
    // Its own rejection is forgotten, and with it the later ones, which were no reason against it. Everything else speaks as
    // it does to any delivery: also that a client was given a server by an earlier attempt.
    let others = own == nil ? records : records.filter { $0.outcome != .rejected || $0.attempt < message.attempt }
    switch key.verdict(attempt: message.attempt, fingerprint: message.fingerprint, decided: others.map(\.decided)) {
    case .fresh: return nil
    case .duplicate: return .alreadyApplied
    case .conflict(let rejection): return .rejected(rejection, takesKey: false)
    }
  }

  /// What was applied, or changed nothing, before a restore is not decided again. Which attempt that was nobody knows any
  /// more: the first is answered, a later one of anything but `allocate` may be a step of its own, which a person has to
  /// look at.
  private func verdict(on message: CommandMessage, _ lost: LostOperation, isReplay: Bool) -> Settlement {
    if isReplay { return .alreadyApplied }
    return message.attempt == 1 || lost.key.command == .allocate
      ? .lostDuplicate(lost) : .rejected(.lostOperation(lost, attempt: message.attempt), takesKey: false)
  }

  private func judge(
    _ command: ServerCommand, for id: ServerID, ifVersion: Int64?
  ) throws(StoreError) -> Judgement {
    let server = try view.server(id)
    var past: Allocation?
    var hasCommitRow = false
    switch Question(before: command, on: server) {
    case .allocation(let allocationID):
      past = try view.allocation(allocationID, of: id, sinceVersion: server?.enrolledAtVersion ?? 0)
    case .latestAllocation(let client):
      past = try view.latestAllocation(of: client, on: id, sinceVersion: server?.enrolledAtVersion ?? 0)
    case .commitRow(let key): hasCommitRow = try view.quotaRow(key) != nil
    case nil: break
    }
    let facts = Facts(
      now: now, freshID: random.uuid(), pastAllocation: past, hasCommitRow: hasCommitRow)
    switch decide(command, for: id, on: server, ifVersion: ifVersion, facts: facts) {
    case .apply(let transition): return .settled(.changed(transition, charge: nil))
    case .unchanged: return .settled(.unchanged(server))
    case .reject(let rejection): return .settled(.rejected(rejection, takesKey: true))
    case .wait(let rejection, let reason): return .wait(id, rejection, reason)
    }
  }

  private func allocate(_ request: AllocateRequest) throws(StoreError) -> Settlement {
    let situation = try view.quotaSituation(for: request)
    let charge: QuotaCharge
    do throws(Rejection) {
      charge = try situation.charge(for: request)
    } catch {
      return .rejected(error, takesKey: true)
    }
    let candidate = try view.longestAvailable(
      at: request.locationID, type: request.instanceTypeID)
    let facts = Facts(now: now, freshID: random.uuid())
    switch decide(request, charge: charge, candidate: candidate, facts: facts) {
    case .apply(let transition): return .changed(transition, charge: charge)
    case .reject(let rejection): return .rejected(rejection, takesKey: true)
    case .unchanged, .wait: preconditionFailure("an allocate is applied or rejected")
    }
  }

  private func setQuota(_ key: QuotaKey, to limit: Int?) throws(StoreError) -> Settlement {
    let previous = try view.quotaRow(key)?.limit
    return previous == limit ? .unchanged(nil) : .quotaSet(key, previous: previous, limit: limit)
  }

  private func snapshot(_ scope: SnapshotScope) throws(StoreError) -> Settlement {
    if case .server(let id) = scope, try view.server(id) == nil {
      return .rejected(.unknownServer(id), takesKey: true)
    }
    return .snapshot(scope)
  }
}

extension Rejection {
  static func lostOperation(_ lost: LostOperation, attempt: Int) -> Rejection {
    Rejection(
      .operationConflict,
      "operation \(lost.key.id) was decided (\(lost.outcome.rawValue)) before the store was restored from a backup, and "
        + "which attempt that was is not known any more; look at the server, and use a new operationUuid if it is still "
        + "wanted",
      details: [
        .init("operationUuid", .text(lost.key.id.description)), .init("attempt", .integer(Int64(attempt))),
        .init("decidedOutcome", .text(lost.outcome.rawValue)),
      ])
  }

  static func expired(notAfter: Timestamp, now: Timestamp) -> Rejection {
    Rejection(
      .expired,
      "the command was not to be applied after \(notAfter), and it is \(now) by the worker's clock; "
        + "send a new one if it is still wanted",
      details: [.init("notAfter", .text(notAfter.description)), .init("now", .text(now.description))])
  }
}
