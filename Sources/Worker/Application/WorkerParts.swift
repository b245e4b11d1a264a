import AMQP
import Logging
import Store

/// The worker's connections: one consumes, one publishes events, one replies, and a fourth is there while letters are
/// replayed. The management tools show them by these names.
enum ConnectionRole: String, CaseIterable, Sendable {
  case consumer, publisher, replier, replayer
}

/// What the worker's services share.
struct WorkerParts: Sendable {
  let settings: Settings
  let topology: Topology
  let store: Store
  let registry: PrometheusRegistry
  let instruments: Instruments
  let logger: Logger
  let health = Health()
  let activity = Watched(Activity.standby)
  let outbox = OutboxProgress()

  init(settings: Settings, store: Store, logger: Logger) {
    self.settings = settings
    self.store = store
    self.logger = logger
    topology = Topology(settings)
    registry = PrometheusRegistry()
    instruments = Instruments(factory: registry)
  }

  func connectionOptions(for role: ConnectionRole) -> ConnectionOptions {
    var options = ConnectionOptions(name: "ostler-\(role.rawValue)")
    options.heartbeat = settings.amqp.heartbeat
    switch role {
    case .consumer:
      options.wholeBodyMaxBytes = LetterFacts.maxWholeBodyBytes
      options.makeDigest = { SHA256BodyDigest() }
      options.readAheadMaxCount = CommandPipeline.maxBatchCount
      options.readAheadMaxBytes = CommandPipeline.maxBatchBytes
    case .publisher, .replier, .replayer: break
    }
    return options
  }
}
