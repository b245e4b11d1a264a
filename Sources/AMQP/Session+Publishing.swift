import CRabbitMQ

extension Session {
  func checkChannel(_ what: String) throws(AMQPError) {
    guard handle != nil else { throw lost.during(what) }
    switch channel {
    case .open: return
    case .closed(let error): throw Self.closedChannel(error, what)
    case .opening, .closing:
      throw AMQPError(.channelClosed, "\(what): the channel is not open yet", scope: .channel)
    }
  }

  /// Why a call on a closed channel fails.
  static func closedChannel(_ error: AMQPError, _ what: String) -> AMQPError {
    if error.isConnectionLost { return error.during(what) }
    return AMQPError(
      .channelClosed, "\(what): the channel is closed; it needs openChannel()", cause: error.description,
      scope: .channel)
  }

  /// Everything that librabbitmq or the broker would refuse after the first bytes were sent.
  func validate(_ message: OutboundMessage) throws(AMQPError) {
    func check(_ what: String, _ text: String) throws(AMQPError) {
      let count = ShortString.byteCount(text)
      guard count <= ShortString.maxBytes else {
        throw AMQPError(.invalidArgument, "\(what) has \(count) bytes; \(ShortString.maxBytes) are allowed")
      }
    }
    try check("the exchange name", message.exchange)
    try check("the routing key", message.routingKey)
    let bytes = try message.properties.encodedBytes() + Self.contentHeadBytes + Self.frameOverheadBytes
    guard bytes <= agreedFrameMaxBytes else {
      throw AMQPError(
        .invalidArgument, "the properties take \(bytes) bytes; one frame of \(agreedFrameMaxBytes) is allowed")
    }
  }

  /// Writes messages until they are all written, the broker blocks, or there is no more room for now.
  /// - Returns: how many.
  func publish(_ messages: ArraySlice<OutboundMessage>) throws(AMQPError) -> Int {
    try checkChannel("publishing")
    var count = 0
    for message in messages {
      if isBlocked || output.count >= Self.outputHighWaterBytes { break }
      if usesTLS && !isWritable { break }
      arena.reset()
      do {
        try sendMethod(
          AMQP_BASIC_PUBLISH_METHOD,
          amqp_basic_publish_t(
            ticket: 0, exchange: arena.bytes(message.exchange), routing_key: arena.bytes(message.routingKey),
            mandatory: message.mandatory ? 1 : 0, immediate: 0),
          channel: Self.channelNumber)
        try sendContent(arena.properties(message.properties), message.body)
      } catch {
        lose(error)
        throw error
      }
      count += 1
      if nextSequence > 0 { nextSequence += 1 }
    }
    flush()
    // The broker may have something to say about it: blocked, returned, confirmed.
    if handle != nil { readFrames() }
    serveReceiver()
    return count
  }

  /// Calls back when the socket takes more (true) or will not for now (false).
  func waitForRoom(_ waiter: RoomWaiter) {
    guard handle != nil else { return waiter.finish(.failure(lost)) }
    if case .closed(let error) = channel { return waiter.finish(.failure(error)) }
    guard !isBlocked else { return waiter.finish(.success(false)) }
    roomWaiter = waiter
  }

  func cancelWaitForRoom(_ id: UInt64) {
    if roomWaiter?.id == id { giveRoom(false) }
  }

  // MARK: - Acknowledging

  private func isCurrent(_ tag: DeliveryTag) -> Bool {
    guard case .open = channel, handle != nil, !isClosing else { return false }
    return tag.generation == generation
  }

  func ack(_ tag: DeliveryTag, multiple: Bool) {
    guard isCurrent(tag) else { return }
    send(AMQP_BASIC_ACK_METHOD, amqp_basic_ack_t(delivery_tag: tag.value, multiple: multiple ? 1 : 0))
  }

  func nack(_ tag: DeliveryTag, multiple: Bool, requeue: Bool) {
    guard isCurrent(tag) else { return }
    send(
      AMQP_BASIC_NACK_METHOD,
      amqp_basic_nack_t(delivery_tag: tag.value, multiple: multiple ? 1 : 0, requeue: requeue ? 1 : 0))
  }

  private func send<Method>(_ id: UInt32, _ method: Method) {
    do {
      try sendMethod(id, method, channel: Self.channelNumber)
    } catch {
      lose(error)
    }
  }
}
