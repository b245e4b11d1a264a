import CRabbitMQ

/// Puts the frames of one message together: method, header, then bodies (AMQP 0-9-1, section 2.3.5.2).
/// Never allocates by the size that was announced.
struct ContentAssembly {
  /// What the method frame said.
  enum Method {
    case deliver(consumer: ConsumerTag, tag: DeliveryTag, redelivered: Bool, exchange: String, routingKey: String)
    case returned(code: Int, text: String, exchange: String, routingKey: String)
  }

  private enum State {
    case idle
    case needsHeader(Method)
    case needsBody(Method, Properties)
  }

  private let wholeMaxBytes: UInt64
  private let prefixBytes: Int
  private let makeDigest: (@Sendable () -> any BodyDigest)?

  private var state = State.idle
  private var announced: UInt64 = 0
  private var received: UInt64 = 0
  private var kept: [UInt8] = []
  private var digest: (any BodyDigest)?
  /// Memory that the message takes, roughly.
  private(set) var cost = 0

  init(_ options: ConnectionOptions) {
    wholeMaxBytes = UInt64(max(0, options.wholeBodyMaxBytes))
    prefixBytes = options.truncatedBodyPrefixBytes
    makeDigest = options.makeDigest
  }

  /// Forgets a message that has begun.
  mutating func reset() {
    state = .idle
    kept = []
    digest = nil
  }

  /// - Returns: false when another message has not ended.
  mutating func begin(_ method: Method) -> Bool {
    guard case .idle = state else { return false }
    state = .needsHeader(method)
    return true
  }

  /// - Returns: the message, if it has no body; nil if there is more to come; `.failure` when it is not its turn.
  mutating func header(
    _ properties: Properties, bodySize: UInt64, cost headerCost: Int
  ) -> Result<Inbound?, ContentError> {
    guard case .needsHeader(let method) = state else { return .failure(ContentError()) }
    announced = bodySize
    received = 0
    kept = []
    cost = headerCost
    digest = bodySize > wholeMaxBytes ? makeDigest?() : nil
    state = .needsBody(method, properties)
    return .success(bodySize == 0 ? finish(method, properties) : nil)
  }

  /// - Returns: the message, when this was its last piece.
  mutating func body(_ piece: UnsafeRawBufferPointer) -> Result<Inbound?, ContentError> {
    guard case .needsBody(let method, let properties) = state else { return .failure(ContentError()) }
    let after = received + UInt64(piece.count)
    guard after <= announced else { return .failure(ContentError()) }
    if announced <= wholeMaxBytes {
      // One frame, the usual case: one allocation of just that size.
      if kept.isEmpty { kept = Array(piece) } else { kept.append(contentsOf: piece) }
    } else {
      digest?.update(piece)
      if kept.count < prefixBytes { kept.append(contentsOf: piece.prefix(prefixBytes - kept.count)) }
    }
    received = after
    return .success(received == announced ? finish(method, properties) : nil)
  }

  private mutating func finish(_ method: Method, _ properties: Properties) -> Inbound {
    cost += kept.count
    let body: Body =
      announced <= wholeMaxBytes
      ? .whole(kept) : .truncated(prefix: kept, size: announced, digest: digest?.finalize() ?? [])
    reset()
    switch method {
    case .deliver(let consumer, let tag, let redelivered, let exchange, let routingKey):
      return .delivery(
        Delivery(
          consumer: consumer, tag: tag, redelivered: redelivered, exchange: exchange, routingKey: routingKey,
          properties: properties, body: body))
    case .returned(let code, let text, let exchange, let routingKey):
      return .returned(
        Return(
          replyCode: code, replyText: text, exchange: exchange, routingKey: routingKey, properties: properties,
          body: body))
    }
  }
}

/// Frames of a message came out of turn.
struct ContentError: Error {}
