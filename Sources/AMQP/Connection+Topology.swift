import CRabbitMQ

/// Exchanges, queues and the channel itself. Every one of these waits for the broker's answer.
///
/// All throw `timedOut` (the connection is gone then), and what closes channel or connection meanwhile. The broker answers
/// a refusal by closing the channel: `accessRefused`, `notFound`, `resourceLocked`, `preconditionFailed`,
/// `notAllowed` with scope `.channel`; the connection stays, `openChannel()` makes a new channel.
extension Connection {
  /// The kinds of exchange that the broker brings along.
  package enum ExchangeKind: String, Sendable, Hashable {
    case direct, fanout, headers, topic
  }

  /// Opens a new channel: no subscriptions, no confirms, delivery tags of a new generation. Does nothing while one is open.
  /// What was received on the old one and not taken is dropped.
  package func openChannel() async throws(AMQPError) {
    if case .open = session.channel { return }
    try await call("opening a channel", answer: AMQP_CHANNEL_OPEN_OK_METHOD, opensChannel: true) {
      session throws(AMQPError) in
      session.beginChannel()
      try session.sendMethod(AMQP_CHANNEL_OPEN_METHOD, amqp_channel_open_t(), channel: Session.channelNumber)
    }
  }

  /// Closes the channel: the broker takes everything back that was not acknowledged and delivers nothing more. The
  /// connection and its exclusive queues stay. Does nothing when none is open.
  package func closeChannel() async throws(AMQPError) {
    if case .closed(let error) = session.channel {
      if error.isConnectionLost { throw error }
      return
    }
    try await call("closing the channel", answer: AMQP_CHANNEL_CLOSE_OK_METHOD) { session throws(AMQPError) in
      session.channel = .closing
      let method = amqp_channel_close_t(
        reply_code: 200, reply_text: session.arena.bytes("Goodbye"), class_id: 0, method_id: 0)
      try session.sendMethod(AMQP_CHANNEL_CLOSE_METHOD, method, channel: Session.channelNumber)
    }
  }

  /// Declares an exchange; with `passive` only asks whether it exists (the rest does not matter then).
  package func declareExchange(
    _ name: String, kind: ExchangeKind = .topic, durable: Bool = true, autoDelete: Bool = false,
    arguments: FieldTable = FieldTable(), passive: Bool = false
  ) async throws(AMQPError) {
    let what = "\(passive ? "looking for" : "declaring") the exchange \(name)"
    try check(what, name)
    try check(what, arguments)
    try await call(what, answer: AMQP_EXCHANGE_DECLARE_OK_METHOD) { session throws(AMQPError) in
      let arena = session.arena
      let method = amqp_exchange_declare_t(
        ticket: 0, exchange: arena.bytes(name), type: arena.bytes(kind.rawValue), passive: passive.amqp,
        durable: durable.amqp, auto_delete: autoDelete.amqp, internal: 0, nowait: 0, arguments: arena.table(arguments))
      try session.sendMethod(AMQP_EXCHANGE_DECLARE_METHOD, method, channel: Session.channelNumber)
    }
  }

  package func deleteExchange(_ name: String, ifUnused: Bool = false) async throws(AMQPError) {
    let what = "deleting the exchange \(name)"
    try check(what, name)
    try await call(what, answer: AMQP_EXCHANGE_DELETE_OK_METHOD) { session throws(AMQPError) in
      let method = amqp_exchange_delete_t(
        ticket: 0, exchange: session.arena.bytes(name), if_unused: ifUnused.amqp, nowait: 0)
      try session.sendMethod(AMQP_EXCHANGE_DELETE_METHOD, method, channel: Session.channelNumber)
    }
  }

  /// Declares a queue; an empty name lets the broker choose. With `passive` only asks for its state.
  @discardableResult
  package func declareQueue(
    _ name: String, durable: Bool = true, exclusive: Bool = false, autoDelete: Bool = false,
    arguments: FieldTable = FieldTable(), passive: Bool = false
  ) async throws(AMQPError) -> QueueState {
    let what = "\(passive ? "looking for" : "declaring") the queue \(name)"
    try check(what, name)
    try check(what, arguments)
    let reply = try await call(what, answer: AMQP_QUEUE_DECLARE_OK_METHOD) { session throws(AMQPError) in
      let arena = session.arena
      let method = amqp_queue_declare_t(
        ticket: 0, queue: arena.bytes(name), passive: passive.amqp, durable: durable.amqp, exclusive: exclusive.amqp,
        auto_delete: autoDelete.amqp, nowait: 0, arguments: arena.table(arguments))
      try session.sendMethod(AMQP_QUEUE_DECLARE_METHOD, method, channel: Session.channelNumber)
    }
    guard case .queue(let state) = reply else { preconditionFailure("declare-ok has a queue") }
    return state
  }

  /// - Returns: how many messages it had.
  @discardableResult
  package func deleteQueue(
    _ name: String, ifUnused: Bool = false, ifEmpty: Bool = false
  ) async throws(AMQPError) -> Int {
    let what = "deleting the queue \(name)"
    try check(what, name)
    let reply = try await call(what, answer: AMQP_QUEUE_DELETE_OK_METHOD) { session throws(AMQPError) in
      let method = amqp_queue_delete_t(
        ticket: 0, queue: session.arena.bytes(name), if_unused: ifUnused.amqp, if_empty: ifEmpty.amqp, nowait: 0)
      try session.sendMethod(AMQP_QUEUE_DELETE_METHOD, method, channel: Session.channelNumber)
    }
    guard case .messageCount(let count) = reply else { preconditionFailure("delete-ok has a count") }
    return count
  }

  /// Drops the messages that are ready.
  /// - Returns: how many.
  @discardableResult
  package func purgeQueue(_ name: String) async throws(AMQPError) -> Int {
    let what = "purging the queue \(name)"
    try check(what, name)
    let reply = try await call(what, answer: AMQP_QUEUE_PURGE_OK_METHOD) { session throws(AMQPError) in
      let method = amqp_queue_purge_t(ticket: 0, queue: session.arena.bytes(name), nowait: 0)
      try session.sendMethod(AMQP_QUEUE_PURGE_METHOD, method, channel: Session.channelNumber)
    }
    guard case .messageCount(let count) = reply else { preconditionFailure("purge-ok has a count") }
    return count
  }

  package func bindQueue(
    _ queue: String, to exchange: String, routingKey: String, arguments: FieldTable = FieldTable()
  ) async throws(AMQPError) {
    let what = "binding the queue \(queue) to the exchange \(exchange)"
    try check(what, queue, exchange, routingKey)
    try check(what, arguments)
    try await call(what, answer: AMQP_QUEUE_BIND_OK_METHOD) { session throws(AMQPError) in
      let arena = session.arena
      let method = amqp_queue_bind_t(
        ticket: 0, queue: arena.bytes(queue), exchange: arena.bytes(exchange), routing_key: arena.bytes(routingKey),
        nowait: 0, arguments: arena.table(arguments))
      try session.sendMethod(AMQP_QUEUE_BIND_METHOD, method, channel: Session.channelNumber)
    }
  }

  package func unbindQueue(
    _ queue: String, from exchange: String, routingKey: String, arguments: FieldTable = FieldTable()
  ) async throws(AMQPError) {
    let what = "unbinding the queue \(queue) from the exchange \(exchange)"
    try check(what, queue, exchange, routingKey)
    try check(what, arguments)
    try await call(what, answer: AMQP_QUEUE_UNBIND_OK_METHOD) { session throws(AMQPError) in
      let arena = session.arena
      let method = amqp_queue_unbind_t(
        ticket: 0, queue: arena.bytes(queue), exchange: arena.bytes(exchange), routing_key: arena.bytes(routingKey),
        arguments: arena.table(arguments))
      try session.sendMethod(AMQP_QUEUE_UNBIND_METHOD, method, channel: Session.channelNumber)
    }
  }

  /// What `source` gets with that key, `destination` gets too.
  package func bindExchange(
    _ destination: String, to source: String, routingKey: String, arguments: FieldTable = FieldTable()
  ) async throws(AMQPError) {
    let what = "binding the exchange \(destination) to the exchange \(source)"
    try check(what, destination, source, routingKey)
    try check(what, arguments)
    try await call(what, answer: AMQP_EXCHANGE_BIND_OK_METHOD) { session throws(AMQPError) in
      let arena = session.arena
      let method = amqp_exchange_bind_t(
        ticket: 0, destination: arena.bytes(destination), source: arena.bytes(source),
        routing_key: arena.bytes(routingKey), nowait: 0, arguments: arena.table(arguments))
      try session.sendMethod(AMQP_EXCHANGE_BIND_METHOD, method, channel: Session.channelNumber)
    }
  }

  package func unbindExchange(
    _ destination: String, from source: String, routingKey: String, arguments: FieldTable = FieldTable()
  ) async throws(AMQPError) {
    let what = "unbinding the exchange \(destination) from the exchange \(source)"
    try check(what, destination, source, routingKey)
    try check(what, arguments)
    try await call(what, answer: AMQP_EXCHANGE_UNBIND_OK_METHOD) { session throws(AMQPError) in
      let arena = session.arena
      let method = amqp_exchange_unbind_t(
        ticket: 0, destination: arena.bytes(destination), source: arena.bytes(source),
        routing_key: arena.bytes(routingKey), nowait: 0, arguments: arena.table(arguments))
      try session.sendMethod(AMQP_EXCHANGE_UNBIND_METHOD, method, channel: Session.channelNumber)
    }
  }
}

/// Subscriptions and confirms: the requests that change what comes in.
extension Connection {
  /// How many unacknowledged messages the broker may have out to each consumer that is subscribed afterwards; 0 is no
  /// limit.
  package func setPrefetch(_ count: Int) async throws(AMQPError) {
    guard let limit = UInt16(exactly: count) else {
      throw AMQPError(.invalidArgument, "a prefetch of \(count) is not possible; 0 to 65535 are allowed")
    }
    try await call("setting the prefetch", answer: AMQP_BASIC_QOS_OK_METHOD) { session throws(AMQPError) in
      let method = amqp_basic_qos_t(prefetch_size: 0, prefetch_count: limit, global: 0)
      try session.sendMethod(AMQP_BASIC_QOS_METHOD, method, channel: Session.channelNumber)
    }
  }

  /// Subscribes to a queue. Without a tag the broker chooses one.
  ///
  /// A stream needs `noAck: false`, a prefetch and, to begin elsewhere than at the end, the argument `x-stream-offset`.
  /// Direct reply-to: `noAck: true` on the queue `amq.rabbitmq.reply-to`, then publish on this same connection with that
  /// name as `replyTo`.
  @discardableResult
  package func consume(
    _ queue: String, tag: ConsumerTag? = nil, noAck: Bool = false, exclusive: Bool = false,
    arguments: FieldTable = FieldTable()
  ) async throws(AMQPError) -> ConsumerTag {
    let what = "subscribing to the queue \(queue)"
    try check(what, queue, tag?.rawValue ?? "")
    try check(what, arguments)
    let reply = try await call(what, answer: AMQP_BASIC_CONSUME_OK_METHOD) { session throws(AMQPError) in
      let arena = session.arena
      let method = amqp_basic_consume_t(
        ticket: 0, queue: arena.bytes(queue), consumer_tag: arena.bytes(tag?.rawValue ?? ""), no_local: 0,
        no_ack: noAck.amqp, exclusive: exclusive.amqp, nowait: 0, arguments: arena.table(arguments))
      try session.sendMethod(AMQP_BASIC_CONSUME_METHOD, method, channel: Session.channelNumber)
    }
    guard case .consumer(let tag) = reply else { preconditionFailure("consume-ok has a tag") }
    return tag
  }

  /// Ends a subscription. What was delivered before is still to be taken and acknowledged.
  package func cancel(_ tag: ConsumerTag) async throws(AMQPError) {
    try check("ending a subscription", tag.rawValue)
    try await call("ending the subscription \(tag)", answer: AMQP_BASIC_CANCEL_OK_METHOD) {
      session throws(AMQPError) in
      let method = amqp_basic_cancel_t(consumer_tag: session.arena.bytes(tag.rawValue), nowait: 0)
      try session.sendMethod(AMQP_BASIC_CANCEL_METHOD, method, channel: Session.channelNumber)
    }
  }

  /// Has the broker confirm what is published from now on, with sequence numbers from 1.
  package func enableConfirms() async throws(AMQPError) {
    try await call("enabling confirms", answer: AMQP_CONFIRM_SELECT_OK_METHOD) { session throws(AMQPError) in
      try session.sendMethod(
        AMQP_CONFIRM_SELECT_METHOD, amqp_confirm_select_t(nowait: 0), channel: Session.channelNumber)
    }
    if session.nextSequence == 0 { session.nextSequence = 1 }
  }
}

extension Connection {
  @discardableResult
  private func call(
    _ what: String, answer: UInt32, opensChannel: Bool = false,
    _ send: @escaping (Session) throws(AMQPError) -> Void
  ) async throws(AMQPError) -> Reply {
    let result = await withCheckedContinuation { continuation in
      session.submit(
        Request(
          what: what, channel: Session.channelNumber, opensChannel: opensChannel, answer: answer, send: send
        ) { continuation.resume(returning: $0) })
    }
    return try result.get()
  }

  private func check(_ what: String, _ names: String...) throws(AMQPError) {
    for name in names where ShortString.byteCount(name) > ShortString.maxBytes {
      throw AMQPError(
        .invalidArgument, "\(what.prefix(120))…: a name of \(ShortString.byteCount(name)) bytes; 255 are allowed")
    }
  }

  private func check(_ what: String, _ arguments: FieldTable) throws(AMQPError) {
    _ = try arguments.encodedBytes("\(what): the argument table")
  }
}

extension Session {
  /// Everything of the last channel is over.
  fileprivate func beginChannel() {
    channel = .opening
    generation += 1
    nextSequence = 0
    assembly.reset()
    inbox.removeAll {
      switch $0 {
      case .delivery, .returned, .confirmed, .nacked, .consumerCancelled: true
      case .blocked, .unblocked: false
      }
    }
  }
}

extension Bool {
  fileprivate var amqp: amqp_boolean_t { self ? 1 : 0 }
}
