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
