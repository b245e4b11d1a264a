import Lifecycle
import Store

let t0 = Timestamp(milliseconds: 1_790_000_000_000)

func id(_ number: UInt64) -> UUID128 { UUID128(randomHigh: number &* 0x9E37_79B9_7F4A_7C15, randomLow: number) }

func newServer(
  _ number: Int64, state: ServerState = .new, location: Int64 = 18, type: Int64 = 3, name: String? = nil
) -> Server {
  Server(
    id: ServerID(number), version: 1, enrolledAtVersion: 1, name: name, locationID: LocationID(location),
    instanceTypeID: InstanceTypeID(type), state: state, previousState: nil, reason: nil, changedAt: t0)
}

/// The server after one more change.
func changed(_ server: Server, to state: ServerState, reason: String? = nil) -> Server {
  var next = server
  next.version += 1
  next.previousState = server.state.name
  next.state = state
  next.reason = reason
  next.changedAt = server.changedAt + .seconds(1)
  return next
}

func allocation(
  _ number: UInt64, of server: Server, client: Int64 = 7, contract: String? = nil, type: QuotaType = .onDemand
) -> Allocation {
  Allocation(
    id: id(number), serverID: server.id, clientID: ClientID(client), contractID: contract.flatMap { ContractID($0) },
    quotaType: type, locationID: server.locationID, instanceTypeID: server.instanceTypeID, startedAt: t0)
}

func key(_ number: UInt64, server: Int64 = 1) -> OperationKey {
  OperationKey(.onServer(ServerID(server), .unisolate), id: .uuid(id(number)))
}

extension Transaction {
  /// Applies a change with a position of its own.
  @discardableResult
  func apply(
    _ server: Server, _ event: ServerEvent, _ allocation: AllocationChange = .none
  ) throws(StoreError) -> Server {
    try apply(
      Transition(server: server, event: event, allocation: allocation),
      as: HistoryEntry(
        position: nextPosition(), serverID: server.id, version: server.version, at: server.changedAt,
        happening: .changed(event), command: .isolate, data: Array("{\"v\":\(server.version)}".utf8)))
    return server
  }
}

func record(_ key: OperationKey, attempt: Int = 1, at moment: Timestamp = t0) -> OperationRecord {
  OperationRecord(
    key: key, attempt: attempt, fingerprint: Fingerprint(high: .max, low: 0x0102_0304_0506_0708), outcome: .applied,
    decidedAt: moment, serverID: ServerID(5), serverVersion: 3, eventPosition: 17, deadLetterID: id(3),
    reply: Array("{}".utf8))
}

func letter(_ number: UInt64, state: DeadLetterState = .open, at moment: Timestamp = t0) -> DeadLetter {
  DeadLetter(
    id: id(number), state: state, stateSince: moment, command: "isolate", code: .serverAllocated,
    message: "Server 5 is allocated.", details: #"{"state":"allocated"}"#, serverID: ServerID(5),
    clientID: ClientID(7), operation: "run-\(number)", attempt: 1, actor: "scheduler", receivedAt: moment,
    lastSeenAt: moment, queue: "server.commands.isolate", exchange: "server.commands", routingKey: "isolate",
    body: Array(#"{"serverId":5,"note":"\#(number)"}"#.utf8), bodySize: 100,
    bodySHA256: [UInt8](repeating: 1, count: 32),
    properties: #"{"messageId":"m"}"#, headers: "{}",
    sameMessage: (0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 < 8 ? $0 * 8 : 63)) })
}
