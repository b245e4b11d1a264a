import AMQP
import Lifecycle
import Store
import Worker

/// Commands as the load generator makes them.
enum Sample {
  static let settings = Settings.standard
  static let intake = Intake(settings: settings)
  static let topology = Topology(settings)
  static let now = Timestamp(milliseconds: 1_800_000_000_000)
  static let servers = 1000

  static let server: Server = {
    let enrolment = Enrollment(
      locationID: LocationID(18), instanceTypeID: InstanceTypeID(126), name: "server-4711", state: .available)
    let decided = decide(
      .enroll(enrolment), for: ServerID(4711), on: nil, ifVersion: nil,
      facts: Facts(now: now, freshID: UUID128(randomHigh: 5, randomLow: 6)))
    guard case .apply(let transition) = decided else { preconditionFailure("an enrolment is applied") }
    return transition.server
  }()

  /// In turn out of use and back.
  static func command(_ index: Int) -> ServerCommand {
    index % 2 == 0
      ? .isolate(Isolation(subState: .brokenHardware, reason: "fan reported by monitoring"), baselineID: nil)
      : .unisolate
  }

  static func delivery(_ index: Int) -> (Delivery, CommandName) {
    let server = index / 2 % servers + 1
    let id = operation(index)
    return index % 2 == 0
      ? message(
        .isolate,
        """
        {"operationUuid":"\(id)","serverId":\(server),"subState":"brokenHardware",\
        "reason":"fan \(index) reported by monitoring"}
        """, index)
      : message(.unisolate, #"{"operationUuid":"\#(id)","serverId":\#(server)}"#, index)
  }

  static func received(_ index: Int) -> Received {
    let (delivery, name) = delivery(index)
    return intake.receive(delivery, from: .commands(name))
  }

  static func enrolment(_ server: Int) -> Received {
    let (delivery, name) = message(
      .enroll,
      """
      {"operationUuid":"\(operation(-server))","serverId":\(server),"locationId":\(server % 20 + 1),\
      "instanceTypeId":\(server / 20 % 5 + 1),"name":"server-\(server)","state":"available"}
      """, server)
    return intake.receive(delivery, from: .commands(name))
  }

  /// Looks random, and is the same in every run.
  static func operation(_ index: Int) -> UUID128 {
    var word = UInt64(bitPattern: Int64(index)) &* 0x9E37_79B9_7F4A_7C15
    word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
    return UUID128(randomHigh: word ^ word >> 27, randomLow: word &* 0x94D0_49BB_1331_11EB)
  }

  private static func message(_ name: CommandName, _ body: String, _ index: Int) -> (Delivery, CommandName) {
    var properties = Properties()
    properties.contentType = "application/json"
    properties.deliveryMode = 2
    return (
      Delivery(
        consumer: ConsumerTag("bench"), tag: DeliveryTag(generation: 1, value: UInt64(index) + 1), redelivered: false,
        exchange: topology.commandsExchange, routingKey: name.rawValue, properties: properties,
        body: .whole(Array(body.utf8))),
      name
    )
  }
}
