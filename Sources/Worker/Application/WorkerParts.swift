package import Logging
package import ServiceLifecycle

/// What the worker's services share.
package struct WorkerParts: Sendable {
  let settings: Settings
  let addresses: BrokerAddresses
  let topology: Topology
  let store: any WorkerStore
  let world: World
  let bounds: WorkerBounds
  let registry: PrometheusRegistry
  let instruments: Instruments
  let logger: Logger
  package let health = Health()
  package let activity = Watched(Activity.standby)
  package let outbox = OutboxProgress()

  package init(
    settings: Settings, store: any WorkerStore, world: World, bounds: WorkerBounds = WorkerBounds(), logger: Logger
  ) {
    self.settings = settings
    self.store = store
    self.world = world
    self.bounds = bounds
    self.logger = logger
    addresses = BrokerAddresses(settings.amqp.brokers)
    topology = Topology(settings)
    registry = PrometheusRegistry()
    instruments = Instruments(factory: registry)
  }

  /// Everything that takes commands and publishes events, in the order in which it starts. It stops in the other order:
  /// the pipeline first.
  package func services() -> [any Service] {
    let replier = Replier(self)
    let relay = Relay(self)
    return [
      Maintenance(self), replier, ReplayPublisher(self), relay, CommandPipeline(self, relay: relay, replier: replier),
    ]
  }
}
