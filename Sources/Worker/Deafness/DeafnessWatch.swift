/// Notices that messages wait in a queue that the worker consumes, and that the broker sends none of them: it has forgotten
/// the subscription. Nothing else tells: the connection lives, and the worker looks like one that has nothing to do.
///
/// Pure. It is told what was heard and what the broker answers, on a monotonic clock, and says what to do. A queue is taken
/// for deaf when the broker says twice, some time apart, that messages are ready in it, nothing of it was heard in between,
/// and all that the broker had sent by then was taken: at that moment every subscription has room, because fewer messages
/// may be parked than are prefetched. Once is not enough (a message may be on its way), and neither is a queue that cannot
/// be asked, or that has no leader (it counts as empty).
package struct DeafnessWatch: Sendable {
  package enum Action: Hashable, Sendable {
    /// Nothing to do before then.
    case wait(until: Duration)
    /// Ask how many messages are ready in the queues of these. `answered` takes the answer under that number.
    case ask(Set<Source>, question: Int)
    case subscribeAgain(Finding)
  }

  package struct Finding: Hashable, Sendable {
    /// How many messages wait, by subscription.
    package let waiting: [Source: Int]
    /// Subscribing again has not helped the last time.
    package let isRepeated: Bool

    package init(waiting: [Source: Int], isRepeated: Bool) {
      self.waiting = waiting
      self.isRepeated = isRepeated
    }
  }

  private enum State {
    case trusting(askAt: Duration)
    case asking(Set<Source>, question: Int, since: Duration)
    /// Messages wait there. Asked about once more, from then on, as soon as all that was sent is taken.
    case doubting(Set<Source>, askAt: Duration, hasCaughtUp: Bool)
    case askingAgain(Set<Source>, question: Int)
    case deaf(Finding)
  }

  /// The pause between two looks at the answer to a question, which comes within milliseconds as a rule.
  package static let answerPause = Duration.milliseconds(200)
  /// A deafness that subscribing does not cure is looked for ever less often: after 2, 4, 8, 16 times the silence.
  private static let maxDoublings = 4

  /// Nothing is asked about a queue of which something was heard within that time.
  package let silence: Duration
  /// From the first answer to the second question.
  private var doubt: Duration { silence / 2 }

  private var state = State.trusting(askAt: .zero)
  private var lastHeard: [Source: Duration] = [:]
  private var lastQuestion = 0
  /// Found deaf, and not heard since.
  private var unheard: Set<Source> = []
  /// How often in a row they were found deaf.
  private var findings = 0

  package init(silence: Duration) {
    precondition(silence > .zero)
    self.silence = silence
  }

  /// Whether everything is heard again that was found deaf.
  package var isCured: Bool { unheard.isEmpty }

  private var interval: Duration { silence * (1 << min(findings, Self.maxDoublings)) }

  /// A subscription to each of these begins; what was suspected of earlier ones is over.
  package mutating func subscribed(to sources: some Sequence<Source>, at now: Duration) {
    lastHeard = Dictionary(uniqueKeysWithValues: sources.map { ($0, now) })
    state = .trusting(askAt: now + interval)
  }

  /// A message came.
  package mutating func heard(_ source: Source, at now: Duration) {
    lastHeard[source] = now
    cured([source])
    switch state {
    case .trusting, .asking, .deaf: break
    case .doubting(var suspects, let askAt, let hasCaughtUp):
      suspects.remove(source)
      state =
        suspects.isEmpty
        ? .trusting(askAt: now + interval) : .doubting(suspects, askAt: askAt, hasCaughtUp: hasCaughtUp)
    case .askingAgain(var suspects, let question):
      suspects.remove(source)
      state = suspects.isEmpty ? .trusting(askAt: now + interval) : .askingAgain(suspects, question: question)
    }
  }

  /// Everything that the broker had sent was taken, and is told by ``heard(_:at:)``.
  package mutating func caughtUp(at now: Duration) {
    switch state {
    case .doubting(let suspects, let askAt, _) where now >= askAt:
      state = .doubting(suspects, askAt: askAt, hasCaughtUp: true)
    case .trusting, .asking, .doubting, .askingAgain, .deaf: break
    }
  }

  /// - Parameter ready: messages that are ready, by queue; a queue that could not be asked is not in it. `nil`: none could.
  package mutating func answered(_ question: Int, _ ready: [Source: Int]?, at now: Duration) {
    switch state {
    case .asking(let sources, question, let since):
      cured(sources.filter { ready?[$0] == 0 })
      let suspects = sources.filter { (ready?[$0] ?? 0) > 0 && (lastHeard[$0] ?? now) <= since }
      state =
        suspects.isEmpty
        ? .trusting(askAt: now + interval) : .doubting(suspects, askAt: now + doubt, hasCaughtUp: false)
    case .askingAgain(let suspects, question):
      let waiting = suspects.reduce(into: [Source: Int]()) { waiting, source in
        if let count = ready?[source], count > 0 { waiting[source] = count }
      }
      guard !waiting.isEmpty else {
        state = .trusting(askAt: now + interval)
        return
      }
      state = .deaf(Finding(waiting: waiting, isRepeated: findings > 0))
      unheard.formUnion(waiting.keys)
      findings += 1
    // The answer to a question of an earlier subscription.
    case .trusting, .asking, .doubting, .askingAgain, .deaf: break
    }
  }

  /// What to do now.
  package mutating func next(at now: Duration) -> Action {
    switch state {
    case .trusting(let askAt):
      guard now >= askAt else { return .wait(until: askAt) }
      let silent = lastHeard.filter { $0.value + interval <= now }
      guard !silent.isEmpty else {
        let askAt = (lastHeard.values.min() ?? now) + interval
        state = .trusting(askAt: askAt)
        return .wait(until: askAt)
      }
      lastQuestion += 1
      state = .asking(Set(silent.keys), question: lastQuestion, since: now)
      return .ask(Set(silent.keys), question: lastQuestion)
    case .doubting(let suspects, let askAt, let hasCaughtUp):
      guard hasCaughtUp else { return .wait(until: max(askAt, now)) }
      lastQuestion += 1
      state = .askingAgain(suspects, question: lastQuestion)
      return .ask(suspects, question: lastQuestion)
    case .asking, .askingAgain: return .wait(until: now + Self.answerPause)
    case .deaf(let finding): return .subscribeAgain(finding)
    }
  }

  private mutating func cured(_ sources: Set<Source>) {
    guard !unheard.isEmpty else { return }
    unheard.subtract(sources)
    if unheard.isEmpty { findings = 0 }
  }
}
