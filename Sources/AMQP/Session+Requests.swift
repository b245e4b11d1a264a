import CRabbitMQ

extension Session {
  func submit(_ request: Request) {
    guard handle != nil else { return request.finish(.failure(lost.during(request.what))) }
    guard !isClosing else {
      return request.finish(
        .failure(AMQPError(.closedByUs, "\(request.what): we are closing the connection", scope: .connection)))
    }
    requests.append(request)
    if requests.count == 1 { startRequest() }
  }

  /// Sends the first of the queue.
  private func startRequest() {
    while let request = requests.first {
      if let error = obstacle(to: request) {
        requests.removeFirst()
        request.finish(.failure(error))
        continue
      }
      requestDeadline = .now + options.requestTimeout
      do {
        arena.reset()
        try request.send(self)
        return
      } catch {
        requestDeadline = nil
        if error.isConnectionLost {
          // Takes the request with it.
          return lose(error)
        }
        requests.removeFirst()
        request.finish(.failure(error.during(request.what)))
      }
    }
  }

  private func obstacle(to request: Request) -> AMQPError? {
    guard request.channel != 0 else { return nil }
    switch channel {
    case .open: return nil
    case .closed(let error):
      return request.opensChannel ? nil : Self.closedChannel(error, request.what)
    case .opening, .closing:
      preconditionFailure("requests come one after the other")
    }
  }

  /// - Returns: false when nobody asked.
  func answerRequest(_ method: UInt32, channel: UInt16, _ reply: Reply) -> Bool {
    guard let request = requests.first, requestDeadline != nil, request.answer == method, request.channel == channel
    else { return false }
    requestDeadline = nil
    requests.removeFirst()
    request.finish(.success(reply))
    startRequest()
    return true
  }

  /// The channel was closed: so far for what was asked on it.
  func failChannelRequests(_ error: AMQPError) {
    guard let request = requests.first, requestDeadline != nil, request.channel != 0 else { return }
    requestDeadline = nil
    requests.removeFirst()
    request.finish(.failure(error.during(request.what)))
    startRequest()
  }

  func failRequests(_ error: AMQPError) {
    let failed = requests
    requests = []
    requestDeadline = nil
    for request in failed { request.finish(.failure(error.during(request.what))) }
  }
}
