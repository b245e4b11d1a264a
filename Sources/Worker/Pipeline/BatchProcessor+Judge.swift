import Lifecycle
import Store

// The order of decision is the contract's (section 2): dedup, `notAfter`, then what the command is about.
extension BatchProcessor {
  func judge(_ task: CommandTask, mayBeBlocked: Bool) throws(StoreError) -> Judgement {
    let message = task.message
    if let replayed = task.replayed {
      // It may have been given up while it was parked.
      let replay = try transaction.replay(of: replayed.replay.letterID, attempt: replayed.replay.attempt)
      guard let replay, replay.isRunning else { return .settled(.over) }
      let records = try message.key.map { key throws(StoreError) in try transaction.attempts(of: key) } ?? []
      if let settlement = verdict(onReplayOf: message, records) { return .settled(settlement) }
    } else if let key = message.key {
      let records = try transaction.attempts(of: key)
      let decided = records.map(\.decided)
      switch key.verdict(attempt: message.attempt, fingerprint: message.fingerprint, decided: decided) {
      case .fresh: break
      case .duplicate(let attempt):
        guard let record = records.first(where: { $0.attempt == attempt.attempt }) else {
          preconditionFailure("the verdict names an attempt that was given")
        }
        return .settled(.duplicate(record))
      case .conflict(let rejection): return .settled(.rejected(rejection, takesKey: false))
      }
    }
    if let notAfter = message.notAfter, rules.now > notAfter {
      return .settled(.rejected(.expired(notAfter: notAfter, now: rules.now), takesKey: true))
    }
    if mayBeBlocked, let server = message.command.serverID, result.lot.blocks(task.queue, for: server) {
      return .behind(server)
    }
    switch message.command {
    case .allocate(let request): return .settled(try allocate(request))
    case .onServer(let id, let command): return try judge(command, for: id, ifVersion: message.ifVersion)
    case .setQuota(let key, let limit): return .settled(try setQuota(key, to: limit))
    case .snapshot(let scope): return .settled(try snapshot(scope))
    }
  }

  private func judge(
    _ command: ServerCommand, for id: ServerID, ifVersion: Int64?
  ) throws(StoreError) -> Judgement {
    let server = try transaction.server(id)
    var past: Allocation?
    var hasCommitRow = false
    switch Question(before: command, on: server) {
    case .allocation(let allocationID):
      past = try transaction.allocation(allocationID, of: id, sinceVersion: server?.enrolledAtVersion ?? 0)
    case .latestAllocation(let client):
      past = try transaction.latestAllocation(of: client, on: id, sinceVersion: server?.enrolledAtVersion ?? 0)
    case .commitRow(let key): hasCommitRow = try transaction.quotaRow(key) != nil
    case nil: break
    }
    let facts = Facts(
      now: rules.now, freshID: .random(), pastAllocation: past, hasCommitRow: hasCommitRow)
    switch decide(command, for: id, on: server, ifVersion: ifVersion, facts: facts) {
    case .apply(let transition): return .settled(.changed(transition, charge: nil))
    case .unchanged: return .settled(.unchanged(server))
    case .reject(let rejection): return .settled(.rejected(rejection, takesKey: true))
    case .wait(let rejection, let reason): return .wait(id, rejection, reason)
    }
  }

  private func allocate(_ request: AllocateRequest) throws(StoreError) -> Settlement {
    let situation = try transaction.quotaSituation(for: request)
    let charge: QuotaCharge
    do throws(Rejection) {
      charge = try situation.charge(for: request)
    } catch {
      return .rejected(error, takesKey: true)
    }
    let candidate = try transaction.longestAvailable(
      at: request.locationID, type: request.instanceTypeID)
    let facts = Facts(now: rules.now, freshID: .random())
    switch decide(request, charge: charge, candidate: candidate, facts: facts) {
    case .apply(let transition): return .changed(transition, charge: charge)
    case .reject(let rejection): return .rejected(rejection, takesKey: true)
    case .unchanged, .wait: preconditionFailure("an allocate is applied or rejected")
    }
  }

  private func setQuota(_ key: QuotaKey, to limit: Int?) throws(StoreError) -> Settlement {
    let previous = try transaction.quotaRow(key)?.limit
    return previous == limit ? .unchanged(nil) : .quotaSet(key, previous: previous, limit: limit)
  }

  private func snapshot(_ scope: SnapshotScope) throws(StoreError) -> Settlement {
    if case .server(let id) = scope, try transaction.server(id) == nil {
      return .rejected(.unknownServer(id), takesKey: true)
    }
    return .snapshot(scope)
  }
}

extension Rejection {
  static func expired(notAfter: Timestamp, now: Timestamp) -> Rejection {
    Rejection(
      .expired,
      "the command was not to be applied after \(notAfter), and it is \(now) by the worker's clock; "
        + "send a new one if it is still wanted",
      details: [.init("notAfter", .text(notAfter.description)), .init("now", .text(now.description))])
  }
}
