import AMQP
import Worker

/// Connections of the command line: one try at every address, and failures in words that say what to do.
enum BrokerAccess {
  static func connect(_ settings: Settings, name: String, within limit: Duration) async throws(CommandFailure)
    -> Connection
  {
    var options = ConnectionOptions(name: "ostler \(name)")
    options.heartbeat = settings.amqp.heartbeat
    options.connectTimeout = min(options.connectTimeout, max(limit, .seconds(1)))
    let connection = Connection(options: options)
    do {
      try await connection.open(settings.amqp.brokers)
      return connection
    } catch {
      throw failure(error, settings)
    }
  }

  /// What went wrong with the broker, as the end of a command.
  static func failure(_ error: AMQPError, _ settings: Settings) -> CommandFailure {
    let advice =
      switch error.code {
      case .connectFailed, .tlsFailed, .timedOut, .heartbeatTimeout, .connectionClosed, .closedByUs:
        "is the broker up, and amqp.uri right? It is \(addresses(settings)) ('ostler config' says where from)"
      case .authenticationFailed: "check user and password in amqp.uri"
      case .notFound: "is the worker running? 'ostler run' or 'ostler topology' creates what is missing"
      case .accessRefused, .notAllowed:
        "the user of amqp.uri lacks the permission, or the virtual host is not there"
      case .invalidURI, .invalidArgument, .resourceLocked, .preconditionFailed, .brokerTrouble, .channelClosed,
        .protocolViolation, .cancelled:
        ""
      }
    let cause = error.cause.map { " (\(PlainText.clean(Secrets.masked($0))))" } ?? ""
    return CommandFailure(
      .unavailable, "broker: \(Secrets.masked(error.message))\(cause)\(advice.isEmpty ? "" : "; \(advice)")")
  }

  private static func addresses(_ settings: Settings) -> String {
    settings.amqp.brokers.map(\.description).joined(separator: ", ")
  }
}

extension Connection {
  /// Takes what comes in within the time, an hour at most; nothing where nothing did.
  func receive(within limit: Duration) async throws(AMQPError) -> [Inbound] {
    do throws(AMQPError) {
      return try await receive(maxCount: 512, maxBytes: 4 * 1024 * 1024, within: min(limit, .seconds(3600)))
    } catch {
      if error.code == .cancelled { return [] }
      throw error
    }
  }
}
