/// A connection to a RabbitMQ broker, with one channel on it.
///
/// The actor runs on a thread of its own (`ConnectionThread`), which also keeps the heartbeats going and reads what comes
/// in, whether anybody calls or not. A connection object may be opened again after it was lost; `DeliveryTag.generation`
/// tells the deliveries of then and now apart.
///
/// What comes in is taken with `receive`. Nothing reconnects by itself: errors say what is lost (`AMQPError.scope`), and
/// the caller decides.
package actor Connection {
  package nonisolated let options: ConnectionOptions

  let session: Session
  nonisolated let socket = SocketGuard()
  private nonisolated let thread: ConnectionThread
  /// For tasks that live with this connection, such as the one that receives: they run on its thread and wake no other.
  package nonisolated let taskExecutor: any TaskExecutor
  /// `session`, for closures that the thread runs.
  private nonisolated let bound: ThreadBound<Session>

  private var lastWaitID: UInt64 = 0
  private var isPublishing = false
  private var publishers: [CheckedContinuation<Void, Never>] = []
  private var sendWatch: Task<Void, Never>?

  package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  package init(options: ConnectionOptions) {
    self.options = options
    let bound = ThreadBound(value: Session(options: options, socket: socket))
    self.bound = bound
    session = bound.value
    thread = ConnectionThread()
    taskExecutor = ConnectionTaskExecutor(thread)
    thread.start(ThreadBound(value: bound.value))
  }

  deinit {
    sendWatch?.cancel()
    thread.stop()
  }

  // MARK: - Opening and closing

  /// Connects to the first of these brokers that takes us, logs in and opens the channel.
  ///
  /// - Returns: the one that did.
  /// - Throws: `connectFailed`, `tlsFailed`, `authenticationFailed`, `notAllowed` (virtual host), `timedOut`,
  ///   `closedByUs`, `cancelled`; with several addresses the message lists each, without its password.
  @discardableResult
  package func open(_ uris: [BrokerURI]) async throws(AMQPError) -> BrokerURI {
    guard session.handle == nil else { throw AMQPError(.invalidArgument, "the connection is open already") }
    let result: Result<BrokerURI, AMQPError> = await withTaskCancellationHandler {
      do throws(AMQPError) {
        // In this order, so that a cancellation is either seen here or comes after it.
        socket.loginBegins()
        defer { socket.loginEnded() }
        if Task.isCancelled { throw Self.openingWasCancelled }
        let uri = try session.login(uris)
        watchSending()
        try await openChannel()
        return .success(uri)
      } catch {
        return .failure(error)
      }
    } onCancel: {
      socket.requestShutDown()
    }
    if case .failure(let error) = result, error.code == .closedByUs, Task.isCancelled { throw Self.openingWasCancelled }
    return try result.get()
  }

  private static var openingWasCancelled: AMQPError {
    AMQPError(.cancelled, "opening the connection was cancelled", scope: .connection)
  }

  /// Says goodbye to the broker. Never hangs: what is not done after `closeTimeout` is cut off. Whoever waits for
  /// something is told `closedByUs`.
  package nonisolated func close() async {
    let signal = Signal()
    let bound = bound
    socket.requestEndOfLogin()
    thread.submit { bound.value.close { signal.send() } }
    // The thread itself may be stuck, in the resolver for instance.
    let limit = options.closeTimeout + .seconds(1)
    let watch = Task { [socket] in
      guard (try? await Task.sleep(for: limit)) != nil else { return }
      socket.requestShutDown()
      signal.send()
    }
    await signal.wait()
    watch.cancel()
  }

  /// The last resort, from anywhere and without waiting: breaks the connection. Whatever it is doing ends at once.
  package nonisolated func abort() { socket.requestShutDown() }

  /// What the broker said about itself at the login.
  package var serverProperties: FieldTable { session.serverProperties }

  /// The broker's version, such as `3.10.8`.
  package var serverVersion: String? { session.serverProperties["version"]?.text }

  /// Whether the channel can be used, as far as is known now. A loss is noticed also while nobody calls.
  package var isChannelOpen: Bool { if case .open = session.channel { true } else { false } }

  /// The broker reads nothing from publishing connections for now.
  package var isBlocked: Bool { session.isBlocked }

  /// Only sending over TLS can block the thread: then somebody else has to end it.
  private func watchSending() {
    sendWatch?.cancel()
    sendWatch = nil
    guard session.usesTLS else { return }
    let limit = session.heartbeat.map { $0 * 2 } ?? options.requestTimeout
    sendWatch = Task { [socket] in
      while (try? await Task.sleep(for: limit / 8)) != nil { socket.shutDownStuckSend(after: limit) }
    }
  }

  // MARK: - Receiving

  /// Waits until something has come in and returns all that is there, within the bounds.
  ///
  /// One task at a time. `maxBytes` counts bodies and headers as they are in memory; one message is always returned,
  /// however large.
  /// - Parameter limit: nothing is returned when so much time has passed and nothing has come in; `nil`: no limit.
  /// - Throws: `cancelled` when the task is; else why the channel or the connection is gone, once what came before is taken
  ///   (deliveries of a lost channel are not handed out any more: the broker has them back).
  package func receive(
    maxCount: Int, maxBytes: Int, within limit: Duration? = nil
  ) async throws(AMQPError) -> [Inbound] {
    precondition(maxCount > 0, "receive needs room for one")
    let id = nextWaitID()
    let bound = bound
    let deadline = limit.map { MonotonicTime.now + $0 }
    let result: Result<[Inbound], AMQPError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let receiver = Session.Receiver(id: id, maxCount: maxCount, maxBytes: maxBytes, deadline: deadline) {
          continuation.resume(returning: $0)
        }
        // A cancellation is either seen here or its closure comes after this job. Before it, others may have run: a task
        // that prefers an executor is queued anew with each call.
        if Task.isCancelled { return receiver.finish(.failure(Session.receivingWasCancelled)) }
        session.receive(receiver)
      }
    } onCancel: {
      thread.submit { bound.value.cancelReceive(id) }
    }
    return try result.get()
  }

  /// Whoever waits in `receive`, now or the next time, is given what there is, or nothing.
  package nonisolated func endWait() {
    let bound = bound
    thread.submit { bound.value.endWait() }
  }

  /// Acknowledges a delivery, with `multiple` all of its channel up to it. Sent without waiting for anything. A tag of an
  /// earlier channel or connection is left out: that message is the broker's again.
  package func ack(_ tag: DeliveryTag, multiple: Bool = false) {
    session.ack(tag, multiple: multiple)
  }

  /// Acknowledges a batch in one go: everything up to `upTo`, and those tags besides.
  package func ack(upTo: DeliveryTag?, and tags: [DeliveryTag] = []) {
    if let upTo { session.ack(upTo, multiple: true) }
    for tag in tags { session.ack(tag, multiple: false) }
  }

  /// Gives a delivery back (`requeue`) or has it dropped or dead-lettered. A stale tag is left out, as with `ack`.
  package func nack(_ tag: DeliveryTag, multiple: Bool = false, requeue: Bool) {
    session.nack(tag, multiple: multiple, requeue: requeue)
  }

  // MARK: - Publishing

  /// Writes messages back to back, in order. Confirms come by `receive`.
  ///
  /// Returns when they are on their way, which may be before the broker has read them, or with a lower count: when the
  /// broker blocks (`Inbound.blocked`), when nothing has moved for `requestTimeout`, or when the task is cancelled. Never
  /// half a message.
  /// - Throws: `invalidArgument` for a length that AMQP does not allow, before anything is written; else the channel or the
  ///   connection is gone and nobody knows how many of these the broker has.
  package func publish(_ messages: [OutboundMessage]) async throws(AMQPError) -> Published {
    try session.checkChannel("publishing")
    for (index, message) in messages.enumerated() {
      do throws(AMQPError) { try session.validate(message) } catch {
        throw error.during("message \(index + 1) of \(messages.count)")
      }
    }
    await takeTurn()
    defer { passTurn() }
    try session.checkChannel("publishing")
    let first = session.nextSequence
    var count = 0
    while true {
      count += try session.publish(messages[count...])
      if count == messages.count || Task.isCancelled { break }
      guard try await waitForRoom() else { break }
    }
    return Published(first: first, count: count)
  }

  /// Sequence numbers are of one call after the other.
  private func takeTurn() async {
    await withCheckedContinuation { continuation in
      if isPublishing { return publishers.append(continuation) }
      isPublishing = true
      continuation.resume()
    }
  }

  private func passTurn() {
    if publishers.isEmpty {
      isPublishing = false
    } else {
      publishers.removeFirst().resume()
    }
  }

  private func waitForRoom() async throws(AMQPError) -> Bool {
    let id = nextWaitID()
    let bound = bound
    let result: Result<Bool, AMQPError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        if Task.isCancelled { return continuation.resume(returning: .success(false)) }
        session.waitForRoom(Session.RoomWaiter(id: id, since: .now) { continuation.resume(returning: $0) })
      }
    } onCancel: {
      thread.submit { bound.value.cancelWaitForRoom(id) }
    }
    return try result.get()
  }

  private func nextWaitID() -> UInt64 {
    lastWaitID += 1
    return lastWaitID
  }
}
