import CRabbitMQ
import Glibc

/// One connection to a broker, from login to its end, and then the next one: everything that the `Connection` actor does,
/// and everything that happens by itself. Lives on the connection's thread; nothing here blocks, but for the login and for
/// sending over TLS.
///
/// Sending is split in two. A plain socket is written here, from `OutputBuffer`: librabbitmq's own sending blocks without
/// a limit when the broker stops reading, and costs a system call per frame. TLS goes through the library, whose TLS
/// stream cannot be reached otherwise; `SocketGuard` ends a send that is stuck.
/// The library's heartbeats are off for the same reason (they would be written in the middle of our frames, and only when
/// somebody calls): `Session+Timers` has its own.
final class Session: ThreadClient {
  enum Channel {
    case closed(AMQPError)
    case opening
    case open
    /// We have asked for its end; what still comes is of no use.
    case closing
  }

  struct Receiver {
    let id: UInt64
    let maxCount: Int
    let maxBytes: Int
    /// Then it gets nothing.
    let deadline: MonotonicTime?
    let finish: (Result<[Inbound], AMQPError>) -> Void
  }

  /// A publisher that waits for the socket to take more.
  struct RoomWaiter {
    let id: UInt64
    let since: MonotonicTime
    /// false: there will be none for now.
    let finish: (Result<Bool, AMQPError>) -> Void
  }

  /// The only channel: one per connection.
  static let channelNumber: UInt16 = 1
  /// Above this in the output buffer a publisher waits.
  static let outputHighWaterBytes = 262_144
  /// Above this nothing but the connection's end helps: the broker has read nothing for long.
  static let outputLimitBytes = 67_108_864
  /// The read-ahead may grow by this factor: see `canRead`.
  static let readAheadStretch = 64

  let options: ConnectionOptions
  let socket: SocketGuard

  // The connection.
  var handle: amqp_connection_state_t?
  var descriptor: Int32 = -1
  var usesTLS = false
  /// Why there is no connection.
  var lost = AMQPError(.connectionClosed, "the connection was never opened", scope: .connection)
  var agreedFrameMaxBytes = 0
  /// nil: none agreed on.
  var heartbeat: Duration? {
    didSet { pauses = heartbeat.map(HeartbeatPauses.init) }
  }
  private(set) var pauses: HeartbeatPauses?
  var serverProperties = FieldTable()
  var isBlocked = false
  var lastReceived = MonotonicTime.now
  var lastSent = MonotonicTime.now
  /// There may be more to read than `poll()` knows of (in the library's buffer or the TLS layer's).
  var isUndrained = false
  var isReadingPaused = false
  /// The read-ahead is full and nobody has taken anything since.
  var isFullSince: MonotonicTime?

  // Its end.
  var isClosing = false
  var closeDeadline: MonotonicTime?
  var closeWaiters: [() -> Void] = []

  // The channel.
  var channel = Channel.closed(AMQPError(.channelClosed, "the channel was never opened", scope: .channel))
  var generation: UInt64 = 0
  var nextSequence: UInt64 = 0
  var assembly: ContentAssembly
  var strings = StringCache()

  // Who waits for what.
  var requests: [Request] = []
  /// Of the first request, once it was sent.
  var requestDeadline: MonotonicTime?
  var inbox = Inbox()
  var receiver: Receiver?
  /// The next receiver is served at once, with nothing if there is nothing.
  private var mustNotWait = false
  var roomWaiter: RoomWaiter?

  let output = OutputBuffer()
  let arena = Arena()

  init(options: ConnectionOptions, socket: SocketGuard) {
    self.options = options
    self.socket = socket
    assembly = ContentAssembly(options)
  }

  deinit { precondition(handle == nil, "a connection must end on its thread") }

  // MARK: - The thread's loop

  func prepareToWait() -> ThreadWait {
    guard handle != nil else { return ThreadWait() }
    flush()
    guard handle != nil else { return ThreadWait() }
    let wantsRead = canRead
    if !wantsRead {
      isReadingPaused = true
      if isFullSince == nil { isFullSince = .now }
    } else if isReadingPaused {
      // Nobody can be found silent who was not listened to.
      isReadingPaused = false
      lastReceived = .now
    }
    let now = MonotonicTime.now
    return ThreadWait(
      descriptor: descriptor,
      wantsRead: wantsRead,
      wantsWrite: output.count > 0 || (usesTLS && roomWaiter != nil),
      timeoutMilliseconds: wantsRead && isUndrained ? 0 : nextDeadline.map { $0.milliseconds(after: now) })
  }

  func resumeAfterWait(_ events: ThreadEvents) {
    guard handle != nil else { return }
    if events.writable {
      flush()
      if usesTLS { giveRoom(true) }
    }
    if events.readable || events.failed || isUndrained {
      if canRead {
        if events.readable { lastReceived = .now }
        readFrames()
      } else if events.failed {
        lose(AMQPError(.connectionClosed, "the connection broke", scope: .connection))
      }
    }
    checkTimers()
    serveReceiver()
  }

  func threadEnds() {
    lose(AMQPError(.closedByUs, "the connection object is gone", scope: .connection))
  }

  // MARK: - Reading

  /// Deliveries that nobody has taken stay in the socket, but for a small read-ahead. It may grow when something else is
  /// waited for, which is behind them, and when nobody has taken anything for long.
  private var canRead: Bool {
    guard handle != nil else { return false }
    if isClosing || hasRoomInInbox(stretch: 1) { return true }
    let mayStretch = !requests.isEmpty || roomWaiter != nil || patienceDeadline.map { $0 <= .now } ?? false
    return mayStretch && hasRoomInInbox(stretch: Self.readAheadStretch)
  }

  private func hasRoomInInbox(stretch: Int) -> Bool {
    inbox.count < max(options.readAheadMaxCount * stretch, receiver?.maxCount ?? 0)
      && inbox.bytes < max(options.readAheadMaxBytes * stretch, receiver?.maxBytes ?? 0)
  }

  /// Handles what is there, without waiting.
  func readFrames() {
    isUndrained = true
    var count = 0
    while let handle, canRead {
      // Reading a great deal at once must not keep us from being heard.
      count += 1
      if count.isMultiple(of: 256) {
        keepAlive()
        guard self.handle != nil else { return }
      }
      var frame = amqp_frame_t()
      var noTime = timeval()
      let status = amqp_simple_wait_frame_noblock(handle, &frame, &noTime)
      guard status == AMQP_STATUS_OK.rawValue else {
        isUndrained = false
        if status != AMQP_STATUS_TIMEOUT.rawValue { lose(.library(status: status, doing: "reading from the broker")) }
        return
      }
      handleFrame(frame)
      guard self.handle != nil else { return }
      // What was needed of the frame has been copied.
      amqp_maybe_release_buffers_on_channel(handle, frame.channel)
      // A plain socket says by itself when there is more; asking costs two system calls.
      if !usesTLS && amqp_data_in_buffer(handle) == 0 {
        isUndrained = false
        return
      }
    }
  }

  func receive(_ receiver: Receiver) {
    guard self.receiver == nil else {
      let error = AMQPError(.invalidArgument, "another task is waiting in receive(); one at a time")
      return receiver.finish(.failure(error))
    }
    self.receiver = receiver
    if inbox.count < receiver.maxCount { readFrames() }
    serveReceiver()
    if mustNotWait {
      mustNotWait = false
      dismissReceiver()
    }
  }

  func endWait() {
    mustNotWait = receiver == nil
    dismissReceiver()
  }

  func cancelReceive(_ id: UInt64) {
    guard let receiver, receiver.id == id else { return }
    self.receiver = nil
    receiver.finish(.failure(Self.receivingWasCancelled))
  }

  static var receivingWasCancelled: AMQPError { AMQPError(.cancelled, "receiving was cancelled") }

  /// The receiver's time is up.
  func dismissReceiver() {
    guard let receiver else { return }
    self.receiver = nil
    receiver.finish(.success([]))
  }

  func serveReceiver() {
    guard let receiver else { return }
    if !inbox.isEmpty {
      self.receiver = nil
      isFullSince = nil
      receiver.finish(.success(inbox.take(maxCount: receiver.maxCount, maxBytes: receiver.maxBytes)))
    } else if case .closed(let error) = channel {
      self.receiver = nil
      receiver.finish(.failure(error))
    }
  }

  // MARK: - The end

  /// Gives the connection up, whatever the reason, and tells everybody who waits.
  func lose(_ reason: AMQPError) {
    guard let handle else { return }
    let error =
      if isClosing || socket.shutDownRequested {
        AMQPError(.closedByUs, "we closed the connection", scope: .connection)
      } else {
        AMQPError(reason.code, reason.message, cause: reason.cause, scope: .connection)
      }
    socket.detach()
    amqp_destroy_connection(handle)
    self.handle = nil
    descriptor = -1
    output.removeAll()
    lost = error
    isBlocked = false
    isUndrained = false
    isFullSince = nil
    closeDeadline = nil
    endChannel(error)
    failRequests(error)
    giveRoom(error)
    serveReceiver()
    let waiters = closeWaiters
    closeWaiters = []
    for waiter in waiters { waiter() }
  }

  /// The channel is gone: what was delivered on it is the broker's again.
  func endChannel(_ error: AMQPError) {
    channel = .closed(error)
    assembly.reset()
    inbox.removeAll {
      switch $0 {
      case .delivery: true
      case .returned, .confirmed, .nacked, .consumerCancelled, .blocked, .unblocked: false
      }
    }
  }

  /// Says goodbye; `finish` is called when the broker has answered or the time is up.
  func close(_ finish: @escaping () -> Void) {
    guard handle != nil else { return finish() }
    closeWaiters.append(finish)
    guard !isClosing else { return }
    isClosing = true
    closeDeadline = .now + options.closeTimeout
    let error = AMQPError(.closedByUs, "we are closing the connection", scope: .connection)
    endChannel(error)
    failRequests(error)
    giveRoom(error)
    serveReceiver()
    arena.reset()
    let method = amqp_connection_close_t(
      reply_code: 200, reply_text: arena.bytes("Goodbye"), class_id: 0, method_id: 0)
    do {
      try sendMethod(AMQP_CONNECTION_CLOSE_METHOD, method, channel: 0)
    } catch {
      lose(error)
    }
  }
}
