import AMQP
import Glibc
import Lifecycle
import Store
import TestSupport
import Worker

/// What a sender wants to happen once, however many copies of it are under way.
// Unchecked: touched on the simulation's thread alone.
final class Intent: @unchecked Sendable {
  enum Kind: Hashable {
    /// Decided once by its key.
    case keyed
    /// Each copy is decided on its own: it has no key, or it is no command.
    case loose
  }

  let kind: Kind
  let order: Order
  /// The copies that were published, by their numbers.
  var copies: [Int] = []
  /// Events that changed a server or a quota because of it.
  var changes: [Int64] = []
  /// Every event that tells of it.
  var events: [Int64] = []
  /// The worker crashes over it each time.
  var isPoison = false
  /// Of the one copy of a poison that there is, in hexadecimal, as the store knows it.
  var identity: String?

  init(_ kind: Kind, _ order: Order) {
    self.kind = kind
    self.order = order
  }
}

/// A message on the broker.
// Unchecked: touched on the simulation's thread alone.
final class Message: @unchecked Sendable {
  let exchange: String
  let routingKey: String
  var properties: Properties
  let body: [UInt8]
  /// Which copy of which intent; `nil`: a replay, which the worker published.
  let number: Int?
  /// How often it was given to a consumer and came back.
  var returns = 0

  init(number: Int?, exchange: String, routingKey: String, properties: Properties, body: [UInt8]) {
    self.number = number
    self.exchange = exchange
    self.routingKey = routingKey
    self.properties = properties
    self.body = body
  }

  var ticket: ReplayTicket? {
    guard case .string(let bytes)? = properties.headers?[ReplayTicket.header] else { return nil }
    return ReplayTicket(String(decoding: bytes, as: UTF8.self))
  }
}

/// An event as it was committed, and what can be read of it at a glance.
struct CommittedEvent: Hashable {
  let position: Int64
  let id: UUID128
  let routingKey: String
  let body: [UInt8]
  /// The copy that it tells of.
  let copy: Int?

  init(_ row: OutboxEvent, of storeID: UUID128) {
    let encoded = row.encoded(for: storeID)
    position = row.position
    id = encoded.id
    routingKey = encoded.routingKey
    body = encoded.bytes
    copy = Self.field("traceparent", in: body).flatMap { Int($0.dropFirst(3).prefix(32), radix: 16) }
  }

  private var words: [Substring] { routingKey.split(separator: ".") }
  /// `allocated`, `rejected`, `set`.
  var name: Substring { routingKey.hasPrefix("server.") || routingKey.hasPrefix("quota.") ? words[1] : words[2] }
  var isSnapshot: Bool { name == "snapshot" || name == "snapshotCompleted" }
  var isChange: Bool { (routingKey.hasPrefix("server.") || routingKey.hasPrefix("quota.")) && !isSnapshot }
  var state: Substring { words[2] }
  var server: Int64? {
    guard routingKey.hasPrefix("server."), let source = Self.field("source", in: body) else { return nil }
    return Int64(source.dropFirst("/servers/".count))
  }
  var version: Int64? { Self.field("sequence", in: body).flatMap { Int64($0) } }
  var letter: String? { Self.field("deadLetterId", in: body) }
  var code: String? { Self.field("code", in: body) }

  static func traceparent(of copy: Int) -> String {
    let digits = String(copy, radix: 16)
    return "00-" + String(repeating: "0", count: 32 - digits.count) + digits + "-0000000000000001-01"
  }

  /// The text of the first field of that name.
  private static func field(_ name: String, in body: [UInt8]) -> String? {
    let pattern = Array("\"\(name)\":\"".utf8)
    let quote = CInt(UInt8(ascii: "\""))
    return body.withUnsafeBytes { body in
      guard let base = body.baseAddress else { return nil }
      var place = 0
      while place + pattern.count < body.count, let found = memchr(base + place, quote, body.count - place) {
        let start = UnsafeRawPointer(found)
        place = start - base + 1
        guard body.count - place >= pattern.count, memcmp(start, pattern, pattern.count) == 0 else { continue }
        let text = place + pattern.count - 1
        let end = memchr(base + text, quote, body.count - text).map { UnsafeRawPointer($0) - base } ?? body.count
        return String(decoding: body[text..<end], as: UTF8.self)
      }
      return nil
    }
  }
}
