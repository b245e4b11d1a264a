extension TestBroker {
  /// A setting of the broker's application `rabbit`, and what it is by default.
  package enum Setting: String {
    /// How long a delivery may stay unacknowledged. A channel has what was set when it was opened for life, whoever
    /// opened it: tests that change this run by themselves.
    case consumerTimeout = "consumer_timeout"
    /// How often a channel looks for such deliveries.
    case channelTickInterval = "channel_tick_interval"

    fileprivate var usual: Duration {
      switch self {
      case .consumerTimeout: .seconds(1800)
      case .channelTickInterval: .seconds(60)
      }
    }
  }

  /// Runs `body` while a setting has another value.
  package static func with<Result>(
    _ setting: Setting, _ value: Duration, _ body: () async throws -> Result
  ) async throws -> Result {
    try await set(setting, value)
    let result: Swift.Result<Result, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    try await set(setting, setting.usual)
    return try result.get()
  }

  private static func set(_ setting: Setting, _ value: Duration) async throws {
    let milliseconds = Int(value / .milliseconds(1))
    try await control("eval", "application:set_env(rabbit, \(setting.rawValue), \(milliseconds)).")
  }
}
