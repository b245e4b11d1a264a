import AMQP
package import Lifecycle
package import Store

/// Decides letters as a replay would, in the order given, over one snapshot: the changes of each are there for the next,
/// and nothing is written.
package struct DryRun {
  package enum Would: String, CaseIterable, Hashable, Sendable {
    case apply, unchanged
    case alreadyApplied = "already-applied"
    case reject
  }

  package struct Forecast: Hashable, Sendable {
    package let would: Would
    /// Of a rejection.
    package let rejection: Rejection?
    /// The server as it would be, of an `apply` on one.
    package let server: Server?
  }

  private let view: DryRunView
  private let intake: Intake
  private let now: Timestamp

  /// - Parameters:
  ///   - snapshot: valid only inside the read it was handed to, and so is the dry run.
  ///   - settings: those that the worker decides by.
  package init(over snapshot: Snapshot, settings: Settings, now: Timestamp) {
    view = DryRunView(snapshot)
    intake = Intake(settings: settings)
    self.now = now
  }

  /// What a replay of that letter would do after those that were asked about before.
  package func forecast(_ letter: DeadLetter) throws(StoreError) -> Forecast {
    guard letter.isReplayable, let command = CommandName(rawValue: letter.command) else {
      return rejected(Rejection(letter.code, letter.message))
    }
    switch CommandDecoder.decode(intake.envelope(of: letter, command: command)) {
    case .failure(let refusal): return rejected(refusal.rejection)
    case .success(let message): return try forecast(message)
    }
  }

  private func forecast(_ message: CommandMessage) throws(StoreError) -> Forecast {
    let judge = Judge(view: view, now: now, random: .system)
    if let settlement = try judge.screen(message, isReplay: true) { return settle(settlement, message) }
    switch try judge.judge(message) {
    case .settled(let settlement): return settle(settlement, message)
    // Nobody knows whether what it waits for will come.
    case .wait(_, let rejection, _): return settle(.rejected(rejection, takesKey: true), message)
    case .behind: preconditionFailure("a dry run parks nothing")
    }
  }

  private func settle(_ settlement: Settlement, _ message: CommandMessage) -> Forecast {
    switch settlement {
    case .duplicate, .lostDuplicate, .alreadyApplied, .over:
      return Forecast(would: .alreadyApplied, rejection: nil, server: nil)
    case .changed(let transition, _):
      view.apply(transition)
      record(.applied, message)
      return Forecast(would: .apply, rejection: nil, server: transition.server)
    case .quotaSet(let key, _, let limit):
      view.setQuota(key, limit: limit)
      record(.applied, message)
      return Forecast(would: .apply, rejection: nil, server: nil)
    case .snapshot:
      record(.applied, message)
      return Forecast(would: .apply, rejection: nil, server: nil)
    case .unchanged(let server):
      record(.unchanged, message)
      return Forecast(would: .unchanged, rejection: nil, server: server)
    case .rejected(let rejection, let takesKey):
      if takesKey { record(.rejected, message) }
      return rejected(rejection)
    }
  }

  private func record(_ outcome: Outcome, _ message: CommandMessage) {
    guard let key = message.key else { return }
    view.record(
      OperationRecord(
        key: key, attempt: message.attempt, fingerprint: message.fingerprint, outcome: outcome, decidedAt: now))
  }

  private func rejected(_ rejection: Rejection) -> Forecast {
    Forecast(would: .reject, rejection: rejection, server: nil)
  }
}

extension Intake {
  /// The message that a replay of the letter would be. Properties that cannot be read count as absent.
  func envelope(of letter: DeadLetter, command: CommandName) -> CommandEnvelope {
    let properties = try? TypedProperties.decode(
      .init(properties: Array(letter.properties.utf8), headers: Array(letter.headers.utf8)))
    return CommandEnvelope(
      command: command, exchange: namespace.rawValue + ".commands", routingKey: command.rawValue,
      namespace: namespace.rawValue, type: properties?.type, contentType: properties?.contentType,
      contentEncoding: properties?.contentEncoding, messageID: properties?.messageID, body: .bytes(letter.body),
      maxBytes: maxBytes, requireKey: requireKey, requireBaselineID: requireBaselineID)
  }
}
