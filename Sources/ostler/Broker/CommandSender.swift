import AMQP
import Lifecycle
import Worker

/// What became of a command that was sent.
enum SendResult {
  case answered(CommandReply)
  /// The broker has it, and no answer was asked for.
  case accepted
  /// The broker has no queue for it.
  case unroutable(String)
  /// The broker could not take it.
  case refusedByBroker
  /// Nobody knows: no answer in time. The command may still be applied.
  ///
  /// - Parameter alarm: why the broker takes no messages, where it says that it does not.
  case noAnswer(confirmed: Bool, alarm: String?)
}

/// Publishes commands and waits for confirms and answers, with a bounded number of them under way.
///
/// Commands and answers travel on one connection, which is what direct reply-to asks for. An answer is found by its
/// correlation-id, the number of the command in this run.
struct CommandSender {
  /// Commands that are neither answered nor given up.
  static let window = 500
  private static let batch = 100

  private struct Flight {
    let record: CommandRecord
    let deadline: ContinuousClock.Instant
    var isConfirmed = false
  }

  private let settings: Settings
  private let timeout: Duration
  private let wantsReply: Bool
  private let apiKey: String?
  private let userID: String?
  private let exchange: String
  private let connection: Connection

  /// By number in this run, which is also the sequence number of its confirm: every message is published on this channel.
  private var flights: [UInt64: Flight] = [:]
  /// The lowest number that may still be under way.
  private var oldest: UInt64 = 1
  private var lowestUnconfirmed: UInt64 = 1
  private var nextNumber: UInt64 = 1
  /// Why the broker takes no messages now.
  private var alarm: String?
  /// What is over, and not yet told by ``settle(within:)``.
  private var finished: [(CommandRecord, SendResult)] = []

  init(_ settings: Settings, _ options: DeliveryOptions) async throws(CommandFailure) {
    self.settings = settings
    timeout = options.timeout.duration
    wantsReply = !options.noWait
    apiKey = try options.apiKey()
    exchange = Topology(settings).commandsExchange
    // The broker lets nobody claim another name; with several users among the addresses ours is not known.
    let users = Set(settings.amqp.brokers.map(\.user))
    userID = users.count == 1 ? users.first : nil
    connection = try await BrokerAccess.connect(settings, name: "send", within: timeout)
    do throws(AMQPError) {
      if wantsReply { _ = try await connection.consume("amq.rabbitmq.reply-to", noAck: true) }
      try await connection.enableConfirms()
    } catch {
      throw BrokerAccess.failure(error, settings)
    }
  }

  var underWay: Int { flights.count }

  /// How many more may be published now.
  var room: Int { max(Self.window - flights.count, 0) }

  func close() async { await connection.close() }

  /// Publishes these; at most as many as there is room for. Under an alarm of the broker it waits.
  ///
  /// - Throws: `CommandFailure` with status 69 when the broker takes nothing for the time-out.
  mutating func publish(_ records: [CommandRecord]) async throws(CommandFailure) {
    var rest = records[...]
    var lastTaken = ContinuousClock.now
    while !rest.isEmpty {
      var messages: [OutboundMessage] = []
      for (offset, record) in rest.prefix(Self.batch).enumerated() {
        messages.append(message(record, number: nextNumber + UInt64(offset)))
      }
      let published: Published
      do { published = try await connection.publish(messages) } catch { throw BrokerAccess.failure(error, settings) }
      let deadline = ContinuousClock.now + timeout
      for record in rest.prefix(published.count) {
        flights[nextNumber] = Flight(record: record, deadline: deadline)
        nextNumber += 1
      }
      rest = rest.dropFirst(published.count)
      if published.count > 0 { lastTaken = .now }
      if published.count < messages.count { try await waitForRoom(until: lastTaken + timeout, unsent: rest.count) }
    }
  }

  /// Waits up to `limit` for something to come in, and returns every command that is finished.
  mutating func settle(within limit: Duration) async throws(CommandFailure) -> [(CommandRecord, SendResult)] {
    while oldest < nextNumber, flights[oldest] == nil { oldest += 1 }
    let untilDeadline = flights[oldest].map { $0.deadline - .now } ?? limit
    try await takeIn(within: finished.isEmpty ? max(min(limit, untilDeadline), .zero) : .zero)
    expire()
    defer { finished = [] }
    return finished
  }

  private mutating func takeIn(within limit: Duration) async throws(CommandFailure) {
    let inbound: [Inbound]
    do { inbound = try await connection.receive(within: limit) } catch {
      throw BrokerAccess.failure(error, settings)
    }
    for item in inbound { take(item) }
  }

  /// The broker does not read from us: until it does again, or time is up.
  private mutating func waitForRoom(
    until deadline: ContinuousClock.Instant, unsent: Int
  ) async throws(CommandFailure) {
    repeat {
      guard ContinuousClock.now < deadline else {
        let what = unsent == 1 ? "1 command was not sent" : "\(PlainText.grouped(unsent)) commands were not sent"
        throw CommandFailure(
          .unavailable,
          "the broker takes no messages now\(alarm.map { " (\(Self.text(ofAlarm: $0)))" } ?? ""), for "
            + "\(DurationText.write(timeout)) already; \(what)")
      }
      try await takeIn(within: min(deadline - .now, .seconds(1)))
    } while alarm != nil
  }

  /// As the broker names it, such as `low on memory`.
  static func text(ofAlarm reason: String) -> String { "an alarm: \(PlainText.clean(reason))" }

  private mutating func take(_ inbound: Inbound) {
    switch inbound {
    case .delivery(let delivery):
      guard let number = delivery.properties.correlationID.flatMap({ UInt64($0) }) else { return }
      finish(number, .answered(CommandReply(bytes: delivery.body.bytes)))
    case .returned(let returned):
      guard let number = returned.properties.correlationID.flatMap({ UInt64($0) }) else { return }
      finish(number, .unroutable("\(returned.replyCode) \(returned.replyText)"))
    case .confirmed(let sequence, let multiple):
      for number in numbers(sequence, multiple: multiple) {
        if wantsReply { flights[number]?.isConfirmed = true } else { finish(number, .accepted) }
      }
    case .nacked(let sequence, let multiple):
      for number in numbers(sequence, multiple: multiple) { finish(number, .refusedByBroker) }
    case .blocked(let reason):
      alarm = reason
      Complaint.print("the broker takes no messages now (\(Self.text(ofAlarm: reason))); waiting until it does")
    case .unblocked: alarm = nil
    case .consumerCancelled: break
    }
  }

  /// The commands that a confirm speaks of. Those before `lowestUnconfirmed` have been spoken of.
  private mutating func numbers(_ sequence: UInt64, multiple: Bool) -> ClosedRange<UInt64> {
    guard multiple, lowestUnconfirmed <= sequence else { return sequence...sequence }
    defer { lowestUnconfirmed = sequence + 1 }
    return lowestUnconfirmed...sequence
  }

  private mutating func finish(
    _ number: UInt64, _ result: SendResult
  ) {
    if let flight = flights.removeValue(forKey: number) { finished.append((flight.record, result)) }
  }

  /// Deadlines are in the order of the numbers.
  private mutating func expire() {
    let now = ContinuousClock.now
    while oldest < nextNumber {
      if let flight = flights[oldest] {
        guard flight.deadline <= now else { return }
        finish(oldest, .noAnswer(confirmed: flight.isConfirmed, alarm: alarm))
      }
      oldest += 1
    }
  }

  private func message(_ record: CommandRecord, number: UInt64) -> OutboundMessage {
    OutboundMessage(
      exchange: exchange, routingKey: record.command.rawValue, mandatory: true,
      properties: Properties(
        contentType: "application/json",
        headers: apiKey.map { ["x-api-key": .string($0)] },
        deliveryMode: 2,
        correlationID: String(number),
        replyTo: wantsReply ? "amq.rabbitmq.reply-to" : nil,
        messageID: record.operation.isEmpty ? nil : record.operation,
        timestamp: UInt64(max(Timestamp.now.milliseconds / 1000, 0)),
        type: record.command.rawValue,
        userID: userID,
        appID: "ostler"),
      body: record.body)
  }
}

extension DeliveryOptions {
  /// The first line of the file that holds the key.
  fileprivate func apiKey() throws(CommandFailure) -> String? {
    guard let apiKeyFile else { return nil }
    let line: InputLine?
    do throws(FileError) {
      var reader = try LineReader(apiKeyFile, maxLineBytes: 4096)
      line = try reader.next()
    } catch {
      throw CommandFailure(.usage, "--api-key-file: \(error.message)")
    }
    guard let line, !line.isCut, !line.bytes.isEmpty, let key = String(validating: line.bytes, as: UTF8.self) else {
      throw CommandFailure(.usage, "--api-key-file: the first line of \(apiKeyFile) is not a key")
    }
    return key
  }
}
