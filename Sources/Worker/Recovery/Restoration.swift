import AMQP
package import Lifecycle
package import Store

/// A backup on its way back (contract section 6): copied beside the store, told what happened since it was taken, and then
/// put in the store's place.
///
/// Everything but the last step leaves the store as it is. Holds the worker's lock at the broker meanwhile, so that no
/// worker becomes active. Blocks its thread while it copies: for a process that does nothing else.
package final class Restoration {
  package struct Request: Sendable {
    /// The backup.
    package var file: String
    /// Whether servers whose later changes are lost are left as the backup has them.
    package var trustsBackup: Bool
    /// Whether the events log is asked what happened since.
    package var readsLog: Bool
    /// Whether to go on where the log does not have every event.
    package var acceptsGaps: Bool
    /// Whether nothing is to be changed: then a worker may run meanwhile.
    package var isDryRun: Bool
    /// Who restores, as history and events say it.
    package var actor: String
    package var connectTimeout: Duration

    package init(
      file: String, trustsBackup: Bool, readsLog: Bool, acceptsGaps: Bool, isDryRun: Bool, actor: String,
      connectTimeout: Duration
    ) {
      self.file = file
      self.trustsBackup = trustsBackup
      self.readsLog = readsLog
      self.acceptsGaps = acceptsGaps
      self.isDryRun = isDryRun
      self.actor = actor
      self.connectTimeout = connectTimeout
    }
  }

  package enum Progress: Hashable, Sendable {
    case copying(StoreBackup.Progress)
    /// Messages of the log, of those that are to be read.
    case reading(Int, of: Int)
    case withdrawing(Int, of: Int)
  }

  /// Servers, or facts, in one transaction.
  private static let chunk = 500

  let request: Request
  let settings: Settings
  let now: Timestamp
  let progress: (Progress) throws -> Void
  /// Holds the lock; `nil`: nobody was asked for it.
  private var lock: Connection?
  private let replacement: StoreReplacement
  private(set) var report: RestoreReport?

  /// Everything up to the last step.
  ///
  /// - Parameter progress: what it throws ends it, and nothing is left of it.
  /// - Throws: `RestoreError`, or what `progress` throws.
  package static func prepare(
    _ request: Request, settings: Settings, now: Timestamp, progress: @escaping (Progress) throws -> Void
  ) async throws -> Restoration {
    let lock = try await takeLock(request, settings)
    do {
      let path = settings.store.path
      if !request.isDryRun, try StoreReplacement.isInUse(path) { throw inUse(path) }
      let replacement = try StoreReplacement(
        of: path, by: request.file, progress: { try progress(.copying($0)) }, reached: { RestoreStep($0).reach() })
      let restoration = Restoration(request, settings, now, progress, lock, replacement)
      try await restoration.makeReady()
      return restoration
    } catch {
      await lock?.close()
      throw (error as? StoreError).map(RestoreError.init) ?? error
    }
  }

  private init(
    _ request: Request, _ settings: Settings, _ now: Timestamp, _ progress: @escaping (Progress) throws -> Void,
    _ lock: Connection?, _ replacement: StoreReplacement
  ) {
    self.request = request
    self.settings = settings
    self.now = now
    self.progress = progress
    self.lock = lock
    self.replacement = replacement
  }

  /// What was found, and what the store will be.
  package func result() -> RestoreReport {
    guard let report else { preconditionFailure("a restoration is handed out when it is ready") }
    return report
  }

  /// The last step: the store is kept under the name `aside`, and the copy takes its place.
  ///
  /// - Throws: `RestoreError`: the store is as it was.
  package func takePlace(keeping aside: String) async throws(RestoreError) -> StoreReplacement.Previous {
    precondition(!request.isDryRun, "a dry run changes nothing")
    if let lock, await !lock.isChannelOpen {
      throw RestoreError(
        .unavailable,
        "the connection to the broker was lost, and with it the lock that keeps workers away; nothing was changed, try again"
      )
    }
    do throws(StoreError) {
      return try replacement.takePlace(keeping: aside)
    } catch {
      throw RestoreError(error)
    }
  }

  /// Lets go of the lock, and of the copy where it did not take the store's place.
  package func close() async {
    await lock?.close()
    lock = nil
  }

  // MARK: The worker's lock

  private static func takeLock(_ request: Request, _ settings: Settings) async throws -> Connection? {
    guard request.readsLog, !request.isDryRun else { return nil }
    var options = ConnectionOptions(name: "ostler restore")
    options.heartbeat = settings.amqp.heartbeat
    options.connectTimeout = min(options.connectTimeout, request.connectTimeout)
    let connection = Connection(options: options)
    let queue = Topology(settings).workerQueue
    do throws(AMQPError) {
      try await connection.open(settings.amqp.brokers)
      try await connection.declareQueue(queue, durable: false, exclusive: true)
      return connection
    } catch {
      await connection.close()
      guard error.code != .resourceLocked else {
        throw RestoreError(
          .refused,
          "a worker is active: it holds the lock \(queue) at the broker. Stop it, and every standby, and try again; "
            + "--dry-run may be asked while it runs")
      }
      throw RestoreLog.unreadable(error)
    }
  }

  private static func inUse(_ path: String) -> RestoreError {
    RestoreError(
      .refused,
      "the store \(path) is open in another process: stop the worker and every standby ('fuser \(path)' names them), "
        + "and try again; nothing was changed")
  }

  // MARK: Making it ready

  private func makeReady() async throws {
    let backup = replacement.backup
    let store = try replacement.open()
    do {
      var story = LostStory(
        storeID: backup.storeID, backup: LogPlace(epoch: backup.epoch, position: backup.position))
      var facts = FactWriter(store: store, isWanted: !request.trustsBackup, now: now, chunk: Self.chunk)
      let log = try await RestoreLog.read(into: &story, facts: &facts, of: self)
      let present = try await PresentStore.read(at: settings.store.path, into: &story, facts: &facts)
      try await facts.flush()
      try judge(story)
      let epoch = try await raiseEpoch(of: store, story, present)
      let givenUp = epoch.givenUp
      RestoreStep.raised.reach()
      let servers = try await withdraw(story, in: store)
      let notesSnapshot = request.trustsBackup || !request.readsLog || story.gapCount > 0
      if notesSnapshot { try await noteSnapshot(in: store) }
      report = RestoreReport(
        file: request.file, backup: backup, present: present, log: log, newEpoch: epoch.number,
        eventCount: story.count, latest: story.latest, latestAt: story.latestAt, gaps: story.gaps,
        gapCount: story.gapCount, servers: servers, quotas: try await changed(story.quotas, in: store),
        letters: try await lost(story.letters, in: store), moreLetters: story.moreLetters,
        operationCount: facts.operations, resolvedLetters: facts.resolved, givenUpReplays: givenUp,
        notesSnapshot: notesSnapshot)
      await store.close()
      RestoreStep.prepared.reach()
    } catch {
      await store.close()
      throw error
    }
  }

  /// Whether what the log told is enough to go on with.
  private func judge(_ story: LostStory) throws(RestoreError) {
    guard request.readsLog, story.gapCount > 0, !request.acceptsGaps else { return }
    throw RestoreError(
      .refused,
      "the events log does not have all that happened since: \(Self.text(story.gaps))\(story.gapCount > story.gaps.count ? " and more" : "") "
        + "are missing. What changed in them is not known, so a server could be given to a second client. Take a later "
        + "backup, or go on knowingly with --accept-gaps")
  }

  private static func text(_ gaps: [LostStory.Gap]) -> String {
    gaps.map { gap in
      "positions \(gap.first.map { "\($0)" } ?? "up") to \(gap.last) of epoch \(gap.epoch)"
    }.joined(separator: ", ")
  }

  /// An epoch that none of this store's events has had.
  private func raiseEpoch(
    of store: Store, _ story: LostStory, _ present: RestoreReport.Present
  ) async throws(StoreError) -> (number: Int64, givenUp: Int) {
    var highest = max(replacement.backup.epoch, story.latest?.epoch ?? 0)
    if case .same(let epoch, _, _) = present { highest = max(highest, epoch) }
    let next = highest + 1
    let (who, now) = (request.actor, now)
    return try await store.commit(owner: nil) { transaction throws(StoreError) in
      let givenUp = try transaction.giveUpWork(by: who, reason: "the store was restored from a backup", at: now)
      try transaction.raiseEpoch(to: next)
      return (next, givenUp)
    }
  }

  private func withdraw(_ story: LostStory, in store: Store) async throws -> [RestoreReport.Server] {
    let lost = story.servers.values.sorted { $0.id < $1.id }
    var servers: [RestoreReport.Server] = []
    servers.reserveCapacity(lost.count)
    for start in stride(from: 0, to: lost.count, by: Self.chunk) {
      let part = lost[start..<min(start + Self.chunk, lost.count)]
      let (actor, now, trusts) = (request.actor, now, request.trustsBackup)
      servers += try await store.commit(owner: nil) { transaction throws(StoreError) in
        var done: [RestoreReport.Server] = []
        let withdrawing = Withdrawing(transaction: transaction, actor: actor, now: now)
        for server in part {
          done.append(try trusts ? withdrawing.leave(server) : withdrawing.withdraw(server))
        }
        return done
      }
      RestoreStep.withdrawing.reach()
      try progress(.withdrawing(servers.count, of: lost.count))
    }
    return servers
  }

  /// Every mirror is told every state, in the new epoch.
  private func noteSnapshot(in store: Store) async throws(StoreError) {
    let request = SnapshotRequest(scope: .all, actor: request.actor, notedAt: now)
    try await store.commit(owner: nil) { transaction throws(StoreError) in try transaction.note(request) }
  }

  private func changed(_ quotas: [QuotaKey: LostQuota], in store: Store) async throws(StoreError) -> [RestoreReport
    .Quota]
  {
    let lost = quotas.values.sorted { $0.time < $1.time }
    return try await store.read { snapshot throws(StoreError) in
      var changed: [RestoreReport.Quota] = []
      for quota in lost {
        let limit = try snapshot.quotaRow(quota.key)?.limit
        if limit != quota.limit { changed.append(RestoreReport.Quota(lost: quota, limit: limit)) }
      }
      return changed
    }
  }

  /// Letters that the backup has are not lost, whatever was told of them since.
  private func lost(_ letters: [UUID128: LostLetter], in store: Store) async throws(StoreError) -> [LostLetter] {
    let told = letters.values.sorted { ($0.time, $0.id) < ($1.time, $1.id) }
    return try await store.read { snapshot throws(StoreError) in
      var lost: [LostLetter] = []
      for letter in told where try snapshot.letter(letter.id) == nil { lost.append(letter) }
      return lost
    }
  }
}

extension Withdrawing {
  /// The server stays as the backup has it.
  func leave(_ lost: LostServer) throws(StoreError) -> RestoreReport.Server {
    let server = try transaction.server(lost.id)
    return RestoreReport.Server(lost: lost, before: server, command: nil, after: server)
  }
}
