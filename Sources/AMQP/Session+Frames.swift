import CRabbitMQ

/// The demultiplexer: every frame that comes in passes here, whoever waits for what.
extension Session {
  func handleFrame(_ frame: amqp_frame_t) {
    switch Int32(frame.frame_type) {
    case AMQP_FRAME_METHOD: handleMethod(frame.payload.method, channel: frame.channel)
    case AMQP_FRAME_HEADER: handleHeader(frame)
    case AMQP_FRAME_BODY:
      guard isChannelOpen else { return }
      accept(assembly.body(frame.payload.body_fragment.buffer))
    default: violation("a frame of type \(frame.frame_type)")
    }
  }

  private var isChannelOpen: Bool {
    switch channel {
    case .open: true
    // What was on its way when the channel ended.
    case .closed, .opening, .closing: false
    }
  }

  private func violation(_ what: String) {
    lose(AMQPError(.protocolViolation, "the broker sent \(what) where it does not belong", scope: .connection))
  }

  // MARK: - Content

  /// A table entry in memory, over its bytes on the wire.
  private static let headerValueCost = 48

  private func handleHeader(_ frame: amqp_frame_t) {
    guard isChannelOpen else { return }
    let header = frame.payload.properties
    guard header.class_id == UInt16(AMQP_BASIC_CLASS),
      let raw = header.decoded?.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
    else { return violation("a content header") }
    let properties = PropertiesDecoder.properties(raw, cache: &strings)
    let cost = 512 + header.raw.len + (properties.headers?.entries.count ?? 0) * Self.headerValueCost
    accept(assembly.header(properties, bodySize: header.body_size, cost: cost))
  }

  private func accept(_ result: Result<Inbound?, ContentError>) {
    switch result {
    case .success(nil): break
    case .success(let message?): inbox.append(message, cost: assembly.cost)
    case .failure: violation("a piece of a message")
    }
  }

  // MARK: - Methods

  private func handleMethod(_ method: amqp_method_t, channel number: UInt16) {
    if isClosing && method.id != AMQP_CONNECTION_CLOSE_OK_METHOD && method.id != AMQP_CONNECTION_CLOSE_METHOD { return }
    guard let decoded = method.decoded else { return violation("an empty method") }
    switch method.id {
    case AMQP_BASIC_DELIVER_METHOD:
      guard isChannelOpen else { return }
      begin(delivery: decoded.assumingMemoryBound(to: amqp_basic_deliver_t.self).pointee)
    case AMQP_BASIC_ACK_METHOD:
      guard isChannelOpen else { return }
      let ack = decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
      inbox.append(.confirmed(sequence: ack.delivery_tag, multiple: ack.multiple != 0))
    case AMQP_BASIC_NACK_METHOD:
      guard isChannelOpen else { return }
      let nack = decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
      inbox.append(.nacked(sequence: nack.delivery_tag, multiple: nack.multiple != 0))
    case AMQP_BASIC_RETURN_METHOD:
      guard isChannelOpen else { return }
      begin(return: decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee)
    case AMQP_BASIC_CANCEL_METHOD:
      guard isChannelOpen else { return }
      handleCancel(decoded.assumingMemoryBound(to: amqp_basic_cancel_t.self).pointee)
    case AMQP_CHANNEL_CLOSE_METHOD:
      handleChannelClose(decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee, number)
    case AMQP_CHANNEL_FLOW_METHOD:
      let flow = decoded.assumingMemoryBound(to: amqp_channel_flow_t.self).pointee
      respond(AMQP_CHANNEL_FLOW_OK_METHOD, amqp_channel_flow_ok_t(active: flow.active), number)
    case AMQP_CONNECTION_CLOSE_METHOD:
      handleConnectionClose(decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee)
    case AMQP_CONNECTION_CLOSE_OK_METHOD:
      lose(AMQPError(.closedByUs, "we closed the connection", scope: .connection))
    case AMQP_CONNECTION_BLOCKED_METHOD:
      let blocked = decoded.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee
      isBlocked = true
      inbox.append(.blocked(reason: StringCache.uncached(blocked.reason)))
      giveRoom(false)
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      isBlocked = false
      inbox.append(.unblocked)
    default:
      handleAnswer(method.id, decoded, number)
    }
  }

  private func begin(delivery: amqp_basic_deliver_t) {
    let isInTurn = assembly.begin(
      .deliver(
        consumer: ConsumerTag(strings.string(delivery.consumer_tag)),
        tag: DeliveryTag(generation: generation, value: delivery.delivery_tag),
        redelivered: delivery.redelivered != 0,
        exchange: strings.string(delivery.exchange),
        routingKey: strings.string(delivery.routing_key)))
    if !isInTurn { violation("a delivery") }
  }

  private func begin(return method: amqp_basic_return_t) {
    let isInTurn = assembly.begin(
      .returned(
        code: Int(method.reply_code), text: strings.string(method.reply_text),
        exchange: strings.string(method.exchange), routingKey: strings.string(method.routing_key)))
    if !isInTurn { violation("a returned message") }
  }

  private func handleCancel(_ cancel: amqp_basic_cancel_t) {
    inbox.append(.consumerCancelled(ConsumerTag(strings.string(cancel.consumer_tag))))
    if cancel.nowait == 0 {
      arena.reset()
      let tag = arena.bytes(StringCache.uncached(cancel.consumer_tag))
      respond(AMQP_BASIC_CANCEL_OK_METHOD, amqp_basic_cancel_ok_t(consumer_tag: tag), Self.channelNumber)
    }
  }

  private func handleChannelClose(_ close: amqp_channel_close_t, _ number: UInt16) {
    let error = AMQPError.broker(
      replyCode: close.reply_code, text: StringCache.uncached(close.reply_text), scope: .channel)
    respond(AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t(), number)
    guard handle != nil else { return }
    endChannel(error)
    giveRoom(error)
    failChannelRequests(error)
  }

  private func handleConnectionClose(_ close: amqp_connection_close_t) {
    let error = AMQPError.broker(
      replyCode: close.reply_code, text: StringCache.uncached(close.reply_text), scope: .connection)
    respond(AMQP_CONNECTION_CLOSE_OK_METHOD, amqp_connection_close_ok_t(), 0)
    flush()
    lose(error)
  }

  private func handleAnswer(_ id: UInt32, _ decoded: UnsafeMutableRawPointer, _ number: UInt16) {
    let reply: Reply
    switch id {
    case AMQP_QUEUE_DECLARE_OK_METHOD:
      let answer = decoded.assumingMemoryBound(to: amqp_queue_declare_ok_t.self).pointee
      reply = .queue(
        QueueState(
          name: StringCache.uncached(answer.queue), messageCount: Int(answer.message_count),
          consumerCount: Int(answer.consumer_count)))
    case AMQP_BASIC_CONSUME_OK_METHOD:
      let answer = decoded.assumingMemoryBound(to: amqp_basic_consume_ok_t.self).pointee
      reply = .consumer(ConsumerTag(StringCache.uncached(answer.consumer_tag)))
    case AMQP_QUEUE_DELETE_OK_METHOD:
      let answer = decoded.assumingMemoryBound(to: amqp_queue_delete_ok_t.self).pointee
      reply = .messageCount(Int(answer.message_count))
    case AMQP_QUEUE_PURGE_OK_METHOD:
      let answer = decoded.assumingMemoryBound(to: amqp_queue_purge_ok_t.self).pointee
      reply = .messageCount(Int(answer.message_count))
    case AMQP_CHANNEL_OPEN_OK_METHOD:
      channel = .open
      reply = .done
    case AMQP_CHANNEL_CLOSE_OK_METHOD:
      endChannel(AMQPError(.channelClosed, "we closed the channel", scope: .channel))
      reply = .done
    default:
      reply = .done
    }
    if !answerRequest(id, channel: number, reply) {
      violation("the answer \(amqp_method_name(id).map { String(cString: $0) } ?? String(id))")
    }
  }

  private func respond<Method>(_ id: UInt32, _ method: Method, _ number: UInt16) {
    do {
      try sendMethod(id, method, channel: number)
    } catch {
      lose(error)
    }
  }
}
