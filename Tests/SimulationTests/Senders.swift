import AMQP
import Lifecycle
import TestSupport
import Worker

/// What upstream systems send: commands with keys and without, copies, later attempts, conflicts, and what is no command.
struct Senders {
  private(set) var intents: [Intent] = []
  /// Which intent a copy belongs to.
  private var copies: [Int: Intent] = [:]
  private var waiting: [Intent] = []
  private var lastNumber = 0
  private var answered: Set<Int> = []

  init(orders count: Int, hasPoison: Bool, using random: inout SeededRandom) {
    var load = MixedLoad(servers: 5, clients: 2)
    var orders = load.beginning()
    orders += load.next(count, using: &random)
    var all = orders.map { Intent(.keyed, $0) }
    if hasPoison {
      // Late enough that the server is there, and with neighbours.
      let poison = Intent(.keyed, .enroll(99, op: 1_000_000))
      poison.isPoison = true
      all.insert(poison, at: Int.random(in: 0..<all.count, using: &random))
    }
    for number in 0..<(count / 3) {
      guard let order = orders.randomElement(using: &random) else { break }
      switch Int.random(in: 0..<8, using: &random) {
      case 0, 1: all.append(Intent(.keyed, order.attempt(Int.random(in: 2...3, using: &random))))
      case 2: all.append(Intent(.keyed, order.with(#""reason":"other""#)))
      case 3:
        all.append(Intent(.loose, Order(order.command, #""serverId":"one""#, operation: UInt64(2_000_000 + number))))
      case 4: all.append(Intent(.loose, .isolate(1 + Int64(number) % 5)))
      case 5: all.append(Intent(.loose, Order(.unisolate, "{{")))
      case 6: all.append(Intent(.keyed, .available(1, op: UInt64(3_000_000 + number)).with(#""ifVersion":4"#)))
      default:
        all.append(
          Intent(
            .keyed,
            .unisolate(2, op: UInt64(4_000_000 + number)).with(#""notAfter":"2026-09-21T14:13:30Z""#)))
      }
    }
    // What is the same is one intent, sent twice.
    var known: [Order: Intent] = [:]
    for place in all.indices where all[place].kind == .keyed {
      if let same = known[all[place].order] { all[place] = same } else { known[all[place].order] = all[place] }
    }
    intents = all
    // Some come twice, or three times.
    waiting = all + (0..<(all.count / 3)).compactMap { _ in all.randomElement(using: &random) }
    // Overtaking, but not beyond recognition.
    for place in waiting.indices where Int.random(in: 0..<3, using: &random) == 0 {
      waiting.swapAt(place, Int.random(in: place..<min(place + 6, waiting.count), using: &random))
    }
    waiting.reverse()
  }

  var isDone: Bool { waiting.isEmpty }

  func intent(of copy: Int) -> Intent {
    guard let intent = copies[copy] else { preconditionFailure("copy \(copy) was sent") }
    return intent
  }

  /// Other attempts of the same operation, and itself.
  func sameOperation(_ intent: Intent) -> [Intent] {
    intents.filter { $0.order.command == intent.order.command && $0.order.operation == intent.order.operation }
  }

  mutating func next(using random: inout SeededRandom, exchange: String) -> Message? {
    guard let intent = waiting.popLast() else { return nil }
    lastNumber += 1
    intent.copies.append(lastNumber)
    copies[lastNumber] = intent
    var order = intent.order
    // The poison is one message, however often it is sent.
    if intent.isPoison, intent.copies.count > 1 { return nil }
    order.headers = ["traceparent": .string(Array(CommittedEvent.traceparent(of: lastNumber).utf8))]
    if Int.random(in: 0..<3, using: &random) == 0 { order = order.asking("answers", "\(lastNumber)") }
    var properties = order.properties
    properties.userID = "sender"
    let isMisspelt = intent.kind == .loose && intent.order.fields == "{{"
    return Message(
      number: lastNumber, exchange: exchange, routingKey: isMisspelt ? "unissolate" : order.command.rawValue,
      properties: properties, body: order.body)
  }

  /// The broker was down: it is sent again later.
  mutating func notSent(_ message: Message) {
    guard let number = message.number, let intent = copies.removeValue(forKey: number) else { return }
    intent.copies.removeAll { $0 == number }
    waiting.append(intent)
  }

  /// The message identity of the poison, in hexadecimal; `nil` before it was sent, or once it is decided.
  var poisonIdentity: String? {
    intents.first { $0.isPoison && $0.events.isEmpty }?.identity
  }

  mutating func replied(_ message: Message) -> String? {
    guard let number = message.properties.correlationID.flatMap({ Int($0) }), let intent = copies[number] else {
      return "a reply to nobody: \(String(decoding: message.body, as: UTF8.self))"
    }
    answered.insert(number)
    if intent.events.isEmpty, intent.order.command != .allocate, intent.order.command != .snapshot {
      return "copy \(number) is answered before it is decided: \(String(decoding: message.body, as: UTF8.self))"
    }
    return nil
  }
}
