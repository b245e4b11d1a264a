import AMQP
import Lifecycle
import Store

/// A message that is to be kept as a dead letter, and why.
struct LetterFacts {
  /// A larger body is kept as its beginning, its length and its SHA-256.
  static let maxWholeBodyBytes = 1 << 20

  let delivery: Delivery
  let actor: String?
  let command: String
  let queue: String
  let rejection: Rejection
  let serverID: ServerID?
  let clientID: ClientID?
  let operation: String?
  /// The key that its outcome is stored under, if any.
  let key: OperationKey?
  let attempt: Int?
  let state: DeadLetterState

  var identity: [UInt8] {
    MessageIdentity(queue: queue, properties: delivery.properties, body: delivery.body).bytes
  }

  static func details(of rejection: Rejection) -> String {
    var details = JSONWriter(capacity: 256)
    details.value(rejection.details)
    return String(decoding: details.bytes, as: UTF8.self)
  }

  func record(id: UUID128, identity: [UInt8], receivedAt: Timestamp) -> DeadLetter {
    let typed = TypedProperties.encode(delivery.properties)
    let digest: [UInt8] =
      switch delivery.body {
      case .whole(let bytes): SHA256BodyDigest.of(bytes)
      case .truncated(_, _, let digest): digest
      }
    return DeadLetter(
      id: id, state: state, stateSince: receivedAt, command: command, code: rejection.code,
      message: rejection.message, details: Self.details(of: rejection), serverID: serverID,
      clientID: clientID, operation: operation, attempt: attempt, actor: actor, receivedAt: receivedAt,
      lastSeenAt: receivedAt, queue: queue, exchange: delivery.exchange, routingKey: delivery.routingKey,
      body: delivery.body.bytes, bodySize: Int(clamping: delivery.body.size), bodySHA256: digest,
      properties: String(decoding: typed.properties, as: UTF8.self),
      headers: String(decoding: typed.headers ?? Array("[]".utf8), as: UTF8.self), sameMessage: identity)
  }
}
