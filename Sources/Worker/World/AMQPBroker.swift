import AMQP

/// The real broker.
struct AMQPBroker: Broker {
  let settings: Settings

  func consumer() -> any ConsumingConnection { Connection(options: options(for: .consumer)) }
  func publisher(_ role: ConnectionRole) -> any PublishingConnection { Connection(options: options(for: role)) }
  func inspector() -> any InspectingConnection { Connection(options: options(for: .inspector)) }

  private func options(for role: ConnectionRole) -> ConnectionOptions {
    var options = ConnectionOptions(name: "ostler-\(role.rawValue)")
    options.heartbeat = settings.amqp.heartbeat
    switch role {
    case .consumer:
      options.wholeBodyMaxBytes = LetterFacts.maxWholeBodyBytes
      options.makeDigest = { SHA256BodyDigest() }
      options.readAheadMaxCount = CommandPipeline.maxBatchCount
      options.readAheadMaxBytes = CommandPipeline.maxBatchBytes
    case .publisher, .replier, .replayer, .inspector: break
    }
    return options
  }
}
