import AMQP
import ArgumentParser
import Foundation
import Lifecycle
import Worker

/// `ostler events`.
struct EventsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "events",
    abstract: "Watch events as they are published, or read them back from the broker's log.",
    discussion: """
      A filter is a binding key: server.<event>.<state>.<location>, command.<command>.<outcome>, \
      quota.set.<client>; '*' stands for one word, '#' for any number.

        ostler events
        ostler events --filter 'server.*.backToBaseline.#' --filter 'quota.#'
        ostler events --since 1h --filter 'server.*.*.18'
        ostler events --from first --until-idle 2s --json > events.jsonl

      Without --since and --from only what is published from now on is shown, and what passes while the connection is lost \
      is missed; the log misses nothing, and may show an event twice. It goes back at least as far as events.log.maxAge. \
      Ends with Ctrl-C, status 0.
      """
  )

  @Option(help: ArgumentHelp("Only events whose routing key matches; may be given several times.", valueName: "key"))
  var filter: [String] = []

  @Option(
    help: ArgumentHelp(
      "From the log, beginning then: a duration back from now, or an RFC 3339 time.", valueName: "time"))
  var since: MomentArgument?

  @Option(
    help: ArgumentHelp("From the log: 'first', 'next', or an offset that --offsets has shown.", valueName: "where"),
    completion: .list(["first", "next"]))
  var from: String?

  @Flag(help: "Print the offset in the log before each event.")
  var offsets = false

  @Option(help: ArgumentHelp("End after so many events.", valueName: "n"))
  var count: Int?

  @Option(help: ArgumentHelp("End when nothing came for that long.", valueName: "duration"))
  var untilIdle: DurationArgument?

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard since == nil || from == nil else { throw ValidationError("--since and --from exclude each other") }
    guard from == nil || start != nil else {
      throw ValidationError("--from is 'first', 'next' or an offset, which is a whole number")
    }
    guard !offsets || since != nil || from != nil else {
      throw ValidationError("--offsets needs --since or --from: only the log has offsets")
    }
    guard !offsets || !output.json else { throw ValidationError("--offsets and --json exclude each other") }
    guard count.map({ $0 >= 1 }) ?? true else { throw ValidationError("--count is at least 1") }
    for key in filter where TopicPattern(key) == nil {
      throw ValidationError("--filter: longer than \(TopicPattern.maxBytes) bytes")
    }
  }

  private var start: LogStart? {
    if let since { return .since(since.moment) }
    switch from {
    case nil: return nil
    case "first": return .first
    case "next": return .next
    case let text?: return Int64(text).flatMap { $0 >= 0 ? .offset($0) : nil }
    }
  }

  func run() async throws {
    let settings = try common.settings()
    // Nothing is left behind on the broker: the queue goes with the connection. Only `_exit` is allowed in a handler.
    for signalNumber in [SIGINT, SIGTERM] { signal(signalNumber) { _ in _exit(ExitStatus.done.rawValue) } }
    let patterns = (filter.isEmpty ? ["#"] : filter).compactMap { TopicPattern($0) }
    var source = start.map(EventSource.log) ?? .live
    let began = Timestamp.now
    var reader = EventReader(command: self, patterns: patterns, notBefore: since?.moment)
    var backoff = Backoff(initial: .milliseconds(500), maximum: .seconds(15))
    // Whoever starts with a wrong address wants to know at once; later the broker may be away for a while.
    var subscription = try await EventSubscription.open(
      source, filters: patterns, settings: settings, within: .seconds(10))
    while true {
      do throws(AMQPError) {
        let isDone = try await reader.read(subscription) { backoff.reset() }
        if isDone { return await subscription.close() }
      } catch {
        Complaint.print("the connection is lost: \(error.message); trying again")
        await subscription.close()
      }
      if let offset = reader.lastOffset {
        source = .log(.offset(offset + 1))
      } else if case .log(.next) = source {
        // Nothing has been read yet: what came meanwhile counts as next.
        source = .log(.since(began))
        reader.notBefore = began
      }
      subscription = try await reopen(source, patterns, settings, &backoff)
      Complaint.print("connected again" + (start == nil ? "; events in between may be missing" : ""))
    }
  }

  private func reopen(
    _ source: EventSource, _ patterns: [TopicPattern], _ settings: Settings, _ backoff: inout Backoff
  ) async throws -> EventSubscription {
    var isFirst = true
    while true {
      try await Task.sleep(for: backoff.next())
      do throws(CommandFailure) {
        return try await EventSubscription.open(source, filters: patterns, settings: settings, within: .seconds(10))
      } catch {
        if isFirst { Complaint.print("\(error.message); trying again until it works") }
        isFirst = false
      }
    }
  }
}

/// Reads one subscription after the other, prints what matches, and knows when it is enough.
private struct EventReader {
  private let command: EventsCommand
  private let patterns: [TopicPattern]
  private var printed = 0
  /// Of the last event that was read from the log.
  private(set) var lastOffset: Int64?
  /// Events of an earlier time are left out.
  var notBefore: Timestamp?
  private var idleSince = ContinuousClock.now

  init(command: EventsCommand, patterns: [TopicPattern], notBefore: Timestamp?) {
    self.command = command
    self.patterns = patterns
    self.notBefore = notBefore
  }

  /// Until enough has been printed (`true`).
  ///
  /// - Throws: when the connection is lost.
  mutating func read(_ subscription: EventSubscription, _ received: () -> Void) async throws(AMQPError) -> Bool {
    while true {
      let limit = command.untilIdle.map { $0.duration - (.now - idleSince) } ?? .seconds(3600)
      if limit <= .zero { return true }
      let events = try await subscription.receive(within: limit)
      guard let last = events.last else { continue }
      received()
      idleSince = .now
      var lines = StandardOutput()
      for event in events {
        if let offset = event.offset { lastOffset = offset }
        guard isWanted(event) else { continue }
        lines.line(utf8: text(event))
        printed += 1
        if printed == command.count {
          lines.flush()
          return true
        }
      }
      lines.flush()
      await subscription.acknowledge(last.tag)
    }
  }

  /// The log has everything; a queue of our own has only what its bindings let in.
  private func isWanted(_ event: ReceivedEvent) -> Bool {
    guard event.offset != nil else { return true }
    guard patterns.contains(where: { $0.matches(event.routingKey) }) else { return false }
    guard let notBefore else { return true }
    guard let time = (try? JSONReader.document(event.body))?["time"]?.text, let moment = Timestamp(rfc3339: time) else {
      return true
    }
    return moment >= notBefore
  }

  private func text(_ event: ReceivedEvent) -> [UInt8] {
    if command.output.json { return event.body }
    let line = EventText.line(event.body, routingKey: event.routingKey)
    guard command.offsets, let offset = event.offset else { return Array(line.utf8) }
    return Array("\(String(offset).padding(to: 10)) \(line)".utf8)
  }
}
