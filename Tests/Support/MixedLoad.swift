import Lifecycle

/// Commands of all kinds for a small fleet, each with a key of its own. Many of them are rejected: that is an outcome.
package struct MixedLoad {
  private let servers: Int64
  private let clients: Int64
  private var lastOperation: UInt64 = 0
  /// How many keys were made.
  package var keys: Int { Int(lastOperation) }

  package init(servers: Int64, clients: Int64) {
    self.servers = servers
    self.clients = clients
  }

  private mutating func operation() -> UInt64 {
    lastOperation += 1
    return lastOperation
  }

  /// Quota rows, and every second server: the others are enrolled on the way, overtaken by what comes for them.
  package mutating func beginning() -> [Order] {
    var orders: [Order] = []
    for client in 1...clients { orders.append(.quota(client, 10, op: operation())) }
    for server in stride(from: 1, through: servers, by: 2) { orders.append(.enroll(server, op: operation())) }
    return orders
  }

  package mutating func next(_ count: Int, using random: inout some RandomNumberGenerator) -> [Order] {
    (0..<count).map { _ in order(using: &random) }
  }

  private mutating func order(using random: inout some RandomNumberGenerator) -> Order {
    let server = Int64.random(in: 1...servers, using: &random)
    let client = Int64.random(in: 1...clients, using: &random)
    let op = operation()
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<30: return .allocate(client, op: op)
    case 30..<50: return .deallocate(server, client, op: op)
    case 50..<70: return .available(server, op: op)
    case 70..<78: return .enroll(server, op: op)
    case 78..<84: return .isolate(server, op: op)
    case 84..<90: return .unisolate(server, op: op)
    case 90..<93: return .quarantine(server, op: op)
    case 93..<96:
      return Order(.unquarantine, #""serverId":\#(server),"outcome":"restore","reason":"r""#, operation: op)
    case 96..<98: return .decommission(server, op: op)
    default: return .snapshot(#""locationId":18"#, op: op)
    }
  }
}
