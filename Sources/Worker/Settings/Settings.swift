package import AMQP
package import Lifecycle

/// Everything that can be set, each value checked and within its bounds.
///
/// Made by ``SettingsReader`` from what the file and the environment say; ``standard`` is what holds where they say nothing.
package struct Settings: Sendable {
  package var amqp: Broker
  package var store: Store
  package var startup: Startup
  package var shutdown: Shutdown
  package var commands: Commands
  package var baseline: Baseline
  package var parking: Parking
  package var dedup: Dedup
  package var deadLetters: DeadLetters
  package var events: Events
  package var authorization: Authorization
  package var http: HTTP
  package var log: Log

  package struct Broker: Sendable {
    /// Never empty; tried in turn.
    package var brokers: [BrokerURI]
    package var namespace: Namespace
    package var topology: TopologyMode
    /// Unacknowledged deliveries per queue, 1...10,000.
    package var prefetch: Int
    /// Whole seconds.
    package var heartbeat: Duration
  }

  package struct Store: Sendable {
    package var path: String
  }

  package struct Startup: Sendable {
    /// How long to wait for broker and store before giving up with status 69.
    package var patience: Duration
  }

  package struct Shutdown: Sendable {
    /// How long work in hand may take to finish once asked to stop.
    package var grace: Duration
  }

  package struct Commands: Sendable {
    /// The largest body that is decoded.
    package var maxBytes: Int
    /// Whether a command without an operation key is refused.
    package var requireKey: Bool
  }

  package struct Baseline: Sendable {
    /// Whether `available` must name the run.
    package var requireID: Bool
  }

  package struct Parking: Sendable {
    package var patience: Duration
    /// Per queue. 0 parks nothing. See ``Settings/parkingLimit``.
    package var limit: Int
  }

  package struct Dedup: Sendable {
    package var retention: Duration
  }

  package struct DeadLetters: Sendable {
    package var retention: Duration
    package var answeredRetention: Duration
    package var maxReplays: Int
  }

  package struct Events: Sendable {
    package var log: EventsLog
  }

  package struct EventsLog: Sendable {
    package var isEnabled: Bool
    /// Whole seconds.
    package var maxAge: Duration
  }

  package struct Authorization: Sendable {
    package var isRequired: Bool
    package var requiredFor: Set<CommandName>
    package func isRequired(for command: CommandName) -> Bool { isRequired || requiredFor.contains(command) }
  }

  package struct HTTP: Sendable {
    package var address: ListenAddress
  }

  package struct Log: Sendable {
    package var level: LogLevel
    package var format: LogFormat
  }

  /// How many commands of one queue may be parked: one below the prefetch at most, or a queue whose whole window is
  /// parked would never see the command that they wait for.
  package var parkingLimit: Int { min(parking.limit, amqp.prefetch - 1) }

  /// What holds where nothing is set.
  package static var standard: Settings {
    var reader = SettingsReader(entries: [:])
    let settings = reader.read()
    precondition(reader.problems.isEmpty, "the defaults are within their own bounds")
    return settings
  }
}

/// What to do about exchanges and queues at start (`amqp.topology`).
package enum TopologyMode: String, CaseIterable, Sendable {
  /// Create what is missing.
  case declare
  /// Create nothing, and stop where something is missing.
  case verify
}

/// The levels of the log, most talkative first.
package enum LogLevel: String, CaseIterable, Sendable {
  case trace, debug, info, notice, warning, error, critical
}

package enum LogFormat: String, CaseIterable, Sendable {
  /// One readable line an entry.
  case text
  /// One JSON object an entry.
  case json
}
