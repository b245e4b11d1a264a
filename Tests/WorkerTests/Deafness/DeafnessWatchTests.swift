import Lifecycle
import Testing
import Worker

/// When the worker takes itself for deaf, and when it must not. Seconds on the monotonic clock; silence is 30.
@Suite struct DeafnessWatchTests {
  private static let isolate = Source.commands(.isolate)
  private static let enroll = Source.commands(.enroll)
  private static let all: [Source] = [isolate, enroll, .deadLetters]

  private func watch() -> DeafnessWatch {
    var watch = DeafnessWatch(silence: .seconds(30))
    watch.subscribed(to: Self.all, at: .zero)
    return watch
  }

  private func question(of action: DeafnessWatch.Action) throws -> Int {
    guard case .ask(_, let question) = action else { throw NoQuestion(instead: action) }
    return question
  }

  private struct NoQuestion: Error { let instead: DeafnessWatch.Action }

  @Test("Messages ready in two answers, nothing heard, all taken in between: deaf, in the queues where they wait")
  func deaf() {
    var watch = watch()
    #expect(watch.next(at: .seconds(1)) == .wait(until: .seconds(30)))
    #expect(watch.next(at: .seconds(30)) == .ask(Set(Self.all), question: 1))
    watch.answered(1, [Self.isolate: 3, Self.enroll: 0, .deadLetters: 2], at: .seconds(31))
    #expect(watch.next(at: .seconds(31)) == .wait(until: .seconds(46)))
    watch.caughtUp(at: .seconds(46))
    #expect(watch.next(at: .seconds(46)) == .ask([Self.isolate, .deadLetters], question: 2))
    watch.answered(2, [Self.isolate: 4, .deadLetters: 0], at: .seconds(47))
    #expect(watch.isCured == false)
    #expect(watch.next(at: .seconds(47)) == .subscribeAgain(.init(waiting: [Self.isolate: 4], isRepeated: false)))
  }

  @Test("Empty queues are asked about once in every silence, and are no reason for anything")
  func idle() {
    var watch = watch()
    for round in 1...100 {
      let now = Duration.seconds(30 * round)
      #expect(watch.next(at: now) == .ask(Set(Self.all), question: round))
      #expect(watch.next(at: now) == .wait(until: now + DeafnessWatch.answerPause), "one question at a time")
      watch.answered(round, [Self.isolate: 0, Self.enroll: 0, .deadLetters: 0], at: now)
      #expect(watch.next(at: now) == .wait(until: now + .seconds(30)))
    }
  }

  @Test("Only queues that were silent are asked about; one that is silent beside a busy one is found")
  func besideABusyOne() {
    var watch = watch()
    for second in 1...29 { watch.heard(Self.enroll, at: .seconds(second)) }
    #expect(watch.next(at: .seconds(30)) == .ask([Self.isolate, .deadLetters], question: 1))
    watch.answered(1, [Self.isolate: 1, .deadLetters: 0], at: .seconds(30))
    for second in 31...45 {
      watch.heard(Self.enroll, at: .seconds(second))
      watch.caughtUp(at: .seconds(second))
    }
    #expect(watch.next(at: .seconds(45)) == .ask([Self.isolate], question: 2))
    watch.answered(2, [Self.isolate: 1], at: .seconds(45))
    #expect(watch.next(at: .seconds(45)) == .subscribeAgain(.init(waiting: [Self.isolate: 1], isRepeated: false)))
  }

  @Test("All queues busy: nothing is asked")
  func busy() {
    var watch = watch()
    for second in 1...300 {
      for source in Self.all { watch.heard(source, at: .seconds(second)) }
      if case .wait = watch.next(at: .seconds(second)) { continue }
      Issue.record("it asked at \(second) s")
    }
  }

  @Test(
    "Something heard of the queue ends the suspicion: before the first answer, after it, and before the second",
    arguments: ["before the answer", "in doubt", "asked again"])
  func heard(when: String) {
    var watch = watch()
    #expect(watch.next(at: .seconds(30)) == .ask(Set(Self.all), question: 1))
    if when == "before the answer" { watch.heard(Self.isolate, at: .seconds(31)) }
    watch.answered(1, [Self.isolate: 1], at: .seconds(32))
    if when == "in doubt" { watch.heard(Self.isolate, at: .seconds(33)) }
    watch.caughtUp(at: .seconds(60))
    if when == "asked again" {
      #expect(watch.next(at: .seconds(60)) == .ask([Self.isolate], question: 2))
      watch.heard(Self.isolate, at: .seconds(61))
      watch.answered(2, [Self.isolate: 1], at: .seconds(62))
    }
    #expect(watch.isCured)
    if case .subscribeAgain = watch.next(at: .seconds(62)) { Issue.record("\(when)") }
  }

  @Test("A worker that has not yet taken what was sent (a slow disk, a backlog) asks no second time before it has")
  func backlog() {
    var watch = watch()
    _ = watch.next(at: .seconds(30))
    watch.answered(1, [Self.isolate: 900], at: .seconds(30))
    for second in 31...600 { #expect(watch.next(at: .seconds(second)) == .wait(until: .seconds(max(45, second)))) }
    // What it takes then is the silent queue's: no reason to ask.
    watch.heard(Self.isolate, at: .seconds(600))
    watch.caughtUp(at: .seconds(600))
    if case .wait = watch.next(at: .seconds(600)) { return }
    Issue.record("it asked")
  }

  @Test("Catching up at once is not enough: a message may be on its way")
  func onItsWay() {
    var watch = watch()
    _ = watch.next(at: .seconds(30))
    watch.answered(1, [Self.isolate: 1], at: .seconds(30))
    watch.caughtUp(at: .seconds(31))
    watch.caughtUp(at: .seconds(44))
    #expect(watch.next(at: .seconds(44)) == .wait(until: .seconds(45)))
  }

  @Test(
    "A broker that cannot be asked, a queue that is gone and one without a leader (it counts as empty) prove nothing",
    arguments: [nil, [:], [.commands(.isolate): 0]] as [[Source: Int]?])
  func unknown(answer: [Source: Int]?) {
    var watch = watch()
    _ = watch.next(at: .seconds(30))
    watch.answered(1, answer, at: .seconds(50))
    #expect(watch.next(at: .seconds(50)) == .wait(until: .seconds(80)))
    _ = watch.next(at: .seconds(80))
    watch.answered(2, [Self.isolate: 1], at: .seconds(80))
    watch.caughtUp(at: .seconds(95))
    _ = watch.next(at: .seconds(95))
    watch.answered(3, answer, at: .seconds(96))
    #expect(watch.isCured)
    #expect(watch.next(at: .seconds(96)) == .wait(until: .seconds(126)))
  }

  @Test("An answer to a question of an earlier subscription counts for nothing; a pause begins the silence anew")
  func subscribedAgain() {
    var watch = watch()
    _ = watch.next(at: .seconds(30))
    watch.subscribed(to: Self.all, at: .seconds(31))
    watch.answered(1, [Self.isolate: 5], at: .seconds(32))
    #expect(watch.next(at: .seconds(32)) == .wait(until: .seconds(61)))
  }

  @Test("Subscribing does not help: it is called repeated, and looked for ever less often, until something is heard")
  func repeated() throws {
    var watch = watch()
    var now = Duration.zero
    var silences: [Duration] = []
    for round in 0..<7 {
      let begun = now
      if case .wait(let until) = watch.next(at: begun) { now = until }
      silences.append(now - begun)
      let first = try question(of: watch.next(at: now))
      watch.answered(first, [Self.isolate: 1], at: now)
      now += .seconds(15)
      watch.caughtUp(at: now)
      let second = try question(of: watch.next(at: now))
      watch.answered(second, [Self.isolate: 1], at: now)
      #expect(watch.next(at: now) == .subscribeAgain(.init(waiting: [Self.isolate: 1], isRepeated: round > 0)))
      watch.subscribed(to: Self.all, at: now)
      #expect(!watch.isCured)
    }
    #expect(silences == [30, 60, 120, 240, 480, 480, 480].map(Duration.seconds))
    watch.heard(Self.enroll, at: now)
    #expect(!watch.isCured, "another queue says nothing of that one")
    watch.heard(Self.isolate, at: now)
    #expect(watch.isCured)
    watch.subscribed(to: Self.all, at: now)
    #expect(watch.next(at: now) == .wait(until: now + .seconds(30)))
  }

  @Test("Found deaf, and then nothing waits there any more (another consumer took it): cured without a message")
  func emptied() throws {
    var watch = watch()
    _ = watch.next(at: .seconds(30))
    watch.answered(1, [Self.isolate: 1], at: .seconds(30))
    watch.caughtUp(at: .seconds(45))
    _ = watch.next(at: .seconds(45))
    watch.answered(2, [Self.isolate: 1], at: .seconds(45))
    watch.subscribed(to: Self.all, at: .seconds(45))
    let third = try question(of: watch.next(at: .seconds(105)))
    watch.answered(third, [Self.isolate: 0, Self.enroll: 0, .deadLetters: 0], at: .seconds(105))
    #expect(watch.isCured)
  }
}
