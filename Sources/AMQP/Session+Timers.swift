extension Session {
  /// Two heartbeats is the limit; a little less, so that it is noticed within them. The broker sends one at least every
  /// heartbeat.
  private static let silentHeartbeats = 1.75

  private var silenceDeadline: MonotonicTime? {
    guard let heartbeat, !isReadingPaused else { return nil }
    return lastReceived + heartbeat * Self.silentHeartbeats
  }

  /// Data that waits to be sent is as good as a heartbeat, and would be in front of it.
  private var heartbeatDeadline: MonotonicTime? {
    guard let heartbeat, output.count == 0 else { return nil }
    return lastSent + heartbeat / 2
  }

  private var roomDeadline: MonotonicTime? {
    guard let roomWaiter else { return nil }
    return max(roomWaiter.since, lastSent) + options.requestTimeout
  }

  /// Then the read-ahead may grow.
  var patienceDeadline: MonotonicTime? { isFullSince.map { $0 + options.readAheadPatience } }

  /// When something is due if nothing happens.
  var nextDeadline: MonotonicTime? {
    var deadlines = [
      silenceDeadline, heartbeatDeadline, roomDeadline, requestDeadline, closeDeadline, receiver?.deadline,
    ]
    if let patienceDeadline, patienceDeadline > .now { deadlines.append(patienceDeadline) }
    return deadlines.compactMap(\.self).min()
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
