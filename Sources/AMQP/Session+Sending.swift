import CRabbitMQ
import Glibc

extension Session {
  /// Type, channel, length in front of a frame's payload and one byte behind it (AMQP 0-9-1, section 2.3.5).
  private static let frameHeadBytes = 7
  static let frameOverheadBytes = 8
  /// Class, weight and body size in front of the properties.
  static let contentHeadBytes = 12

  // MARK: - Frames

  /// Sends a method, or puts it into the output buffer.
  /// - Throws: scope `.call` when it does not fit into a frame (nothing was sent), else the connection is to be lost.
  func sendMethod<Method>(_ id: UInt32, _ method: Method, channel: UInt16) throws(AMQPError) {
    var method = method
    if usesTLS {
      var status: Int32 = 0
      withUnsafeMutablePointer(to: &method) { pointer in
        var frame = amqp_frame_t()
        frame.frame_type = UInt8(AMQP_FRAME_METHOD)
        frame.channel = channel
        frame.payload.method = amqp_method_t(id: id, decoded: UnsafeMutableRawPointer(pointer))
        status = sendThroughLibrary(&frame)
      }
      return try check(status)
    }
    let target = output.reserve(agreedFrameMaxBytes)
    let payload = target + Self.frameHeadBytes
    let space = agreedFrameMaxBytes - Self.frameOverheadBytes - 4
    let bytes = withUnsafeMutablePointer(to: &method) {
      amqp_encode_method(id, UnsafeMutableRawPointer($0), amqp_bytes_t(len: space, bytes: payload + 4))
    }
    guard bytes >= 0 else {
      throw AMQPError(
        .invalidArgument, "names or arguments are too long for one frame of \(agreedFrameMaxBytes) bytes")
    }
    payload.storeBytes(of: id.bigEndian, as: UInt32.self)
    closeFrame(target, type: UInt8(AMQP_FRAME_METHOD), channel: channel, payloadBytes: Int(bytes) + 4)
    try checkOutputLimit()
  }

  /// Content header and body frames. Lengths have been checked.
  func sendContent(_ properties: amqp_basic_properties_t, _ body: [UInt8]) throws(AMQPError) {
    var properties = properties
    if usesTLS {
      var status: Int32 = 0
      withUnsafeMutablePointer(to: &properties) { pointer in
        var frame = amqp_frame_t()
        frame.frame_type = UInt8(AMQP_FRAME_HEADER)
        frame.channel = Self.channelNumber
        frame.payload.properties.class_id = UInt16(AMQP_BASIC_CLASS)
        frame.payload.properties.body_size = UInt64(body.count)
        frame.payload.properties.decoded = UnsafeMutableRawPointer(pointer)
        status = sendThroughLibrary(&frame)
      }
      try check(status)
    } else {
      let target = output.reserve(agreedFrameMaxBytes)
      let payload = target + Self.frameHeadBytes
      let space = agreedFrameMaxBytes - Self.frameOverheadBytes - Self.contentHeadBytes
      let bytes = withUnsafeMutablePointer(to: &properties) {
        amqp_encode_properties(
          UInt16(AMQP_BASIC_CLASS), UnsafeMutableRawPointer($0),
          amqp_bytes_t(len: space, bytes: payload + Self.contentHeadBytes))
      }
      precondition(bytes >= 0, "the properties were measured before")
      payload.storeBytes(of: UInt16(AMQP_BASIC_CLASS).bigEndian, as: UInt16.self)
      payload.storeBytes(of: 0, toByteOffset: 2, as: UInt16.self)
      payload.storeBytes(of: UInt64(body.count).bigEndian, toByteOffset: 4, as: UInt64.self)
      closeFrame(
        target, type: UInt8(AMQP_FRAME_HEADER), channel: Self.channelNumber,
        payloadBytes: Int(bytes) + Self.contentHeadBytes)
    }
    try sendBody(body)
  }

  private func sendBody(_ body: [UInt8]) throws(AMQPError) {
    let pieceBytes = agreedFrameMaxBytes - Self.frameOverheadBytes
    var start = 0
    while start < body.count {
      let count = min(pieceBytes, body.count - start)
      var status: Int32 = 0
      body.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        if usesTLS {
          var frame = amqp_frame_t()
          frame.frame_type = UInt8(AMQP_FRAME_BODY)
          frame.channel = Self.channelNumber
          frame.payload.body_fragment = amqp_bytes_t(len: count, bytes: UnsafeMutableRawPointer(mutating: base + start))
          status = sendThroughLibrary(&frame)
        } else {
          let target = output.reserve(count + Self.frameOverheadBytes)
          memcpy(target + Self.frameHeadBytes, base + start, count)
          closeFrame(target, type: UInt8(AMQP_FRAME_BODY), channel: Self.channelNumber, payloadBytes: count)
        }
      }
      try check(status)
      start += count
    }
  }

  func sendHeartbeat() {
    if usesTLS {
      // A socket that is full holds data that the broker has not read: no need for a heartbeat.
      guard isWritable else { return lastSent = .now }
      var frame = amqp_frame_t()
      frame.frame_type = UInt8(AMQP_FRAME_HEARTBEAT)
      let status = sendThroughLibrary(&frame)
      if status < 0 { lose(.library(status: status, doing: "sending a heartbeat")) }
    } else {
      let target = output.reserve(Self.frameOverheadBytes)
      closeFrame(target, type: UInt8(AMQP_FRAME_HEARTBEAT), channel: 0, payloadBytes: 0)
    }
  }

  private func closeFrame(_ target: UnsafeMutableRawPointer, type: UInt8, channel: UInt16, payloadBytes: Int) {
    target.storeBytes(of: type, as: UInt8.self)
    target.storeBytes(of: channel.bigEndian, toByteOffset: 1, as: UInt16.self)
    target.storeBytes(of: UInt32(payloadBytes).bigEndian, toByteOffset: 3, as: UInt32.self)
    target.storeBytes(of: UInt8(AMQP_FRAME_END), toByteOffset: Self.frameHeadBytes + payloadBytes, as: UInt8.self)
    output.commit(payloadBytes + Self.frameOverheadBytes)
  }

  // MARK: - The socket

  private func sendThroughLibrary(_ frame: inout amqp_frame_t) -> Int32 {
    guard let handle else { return AMQP_STATUS_SOCKET_CLOSED.rawValue }
    socket.sendBegins()
    let status = amqp_send_frame(handle, &frame)
    socket.sendEnded()
    lastSent = .now
    return status
  }

  private func check(_ status: Int32) throws(AMQPError) {
    if status < 0 { throw .library(status: status, doing: "sending to the broker") }
  }

  private func checkOutputLimit() throws(AMQPError) {
    guard output.count <= Self.outputLimitBytes else {
      throw AMQPError(
        .timedOut, "the broker does not read: \(output.count) bytes wait to be sent", scope: .connection)
    }
  }

  /// The socket takes more now.
  var isWritable: Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    return poll(&request, 1, 0) > 0
  }

  /// Writes what the socket takes, and lets a waiting publisher go on.
  func flush() {
    guard handle != nil else { return }
    guard output.count > 0 else {
      if !usesTLS { giveRoom(true) }
      return
    }
    let before = output.count
    let error = output.flush(to: descriptor)
    guard error == 0 else {
      // What the broker said before it hung up tells more than the broken pipe.
      let reason = AMQPError(
        .connectionClosed, "sending to the broker failed", cause: String(cString: strerror(error)), scope: .connection)
      output.removeAll()
      readFrames()
      return lose(reason)
    }
    if output.count < before { lastSent = .now }
    if output.count <= Self.outputHighWaterBytes / 2 { giveRoom(true) }
  }

  func giveRoom(_ hasRoom: Bool) {
    guard let waiter = roomWaiter else { return }
    roomWaiter = nil
    waiter.finish(.success(hasRoom))
  }

  func giveRoom(_ error: AMQPError) {
    guard let waiter = roomWaiter else { return }
    roomWaiter = nil
    waiter.finish(.failure(error))
  }
}
