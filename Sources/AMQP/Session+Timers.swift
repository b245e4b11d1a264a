/// What follows from the heartbeat that was agreed on. Asked for before every wait, so it is not computed anew.
struct HeartbeatPauses {
  /// Two heartbeats is the limit; a little less, so that it is noticed within them. The broker sends one at least every
  /// heartbeat.
  let silenceNanoseconds: UInt64
  let sendingNanoseconds: UInt64

  init(_ heartbeat: Duration) {
    silenceNanoseconds = (heartbeat * 1.75).wholeNanoseconds
    sendingNanoseconds = (heartbeat / 2).wholeNanoseconds
  }
}

extension Session {
  private var silenceDeadline: MonotonicTime? {
    guard let pauses, !isReadingPaused else { return nil }
    return lastReceived + pauses.silenceNanoseconds
  }

  /// Data that waits to be sent is as good as a heartbeat, and would be in front of it.
  private var heartbeatDeadline: MonotonicTime? {
    guard let pauses, output.count == 0 else { return nil }
    return lastSent + pauses.sendingNanoseconds
  }

  private var roomDeadline: MonotonicTime? {
    guard let roomWaiter else { return nil }
    return max(roomWaiter.since, lastSent) + options.requestTimeout
  }

  /// Then the read-ahead may grow.
  var patienceDeadline: MonotonicTime? { isFullSince.map { $0 + options.readAheadPatience } }

  /// When something is due if nothing happens.
  var nextDeadline: MonotonicTime? {
    var next = receiver?.deadline
    func consider(_ deadline: MonotonicTime?) {
      if let deadline, next.map({ deadline < $0 }) ?? true { next = deadline }
    }
    consider(silenceDeadline)
    consider(heartbeatDeadline)
    consider(roomDeadline)
    consider(requestDeadline)
    consider(closeDeadline)
    if let patienceDeadline, patienceDeadline > .now { consider(patienceDeadline) }
    return next
  }

  func checkTimers() {
    let now = MonotonicTime.now
    // What has come by now counts.
    if let deadline = receiver?.deadline, deadline <= now, inbox.isEmpty { dismissReceiver() }
    guard handle != nil else { return }
    if let closeDeadline, closeDeadline <= now {
      return lose(AMQPError(.closedByUs, "we closed the connection", scope: .connection))
    }
    if let silenceDeadline, silenceDeadline <= now {
      return lose(
        AMQPError(.heartbeatTimeout, "nothing came from the broker for two heartbeats", scope: .connection))
    }
    if let requestDeadline, requestDeadline <= now, let request = requests.first {
      return lose(
        AMQPError(
          .timedOut, "\(request.what): the broker did not answer within \(options.requestTimeout)", scope: .connection))
    }
    if let roomDeadline, roomDeadline <= now { giveRoom(false) }
    if let heartbeatDeadline, heartbeatDeadline <= now { sendHeartbeat() }
  }

  /// Sends a heartbeat if one is due, at once.
  func keepAlive() {
    guard let heartbeatDeadline, heartbeatDeadline <= .now else { return }
    sendHeartbeat()
    flush()
  }
}
