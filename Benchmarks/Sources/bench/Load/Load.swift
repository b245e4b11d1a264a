/// Commands to publish: the n-th is made when it is asked for.
struct Load: Sendable {
  struct Command {
    let name: String
    let body: [UInt8]

    init(_ name: String, _ body: String) {
      self.name = name
      self.body = Array(body.utf8)
    }
  }

  let name: String
  let count: Int
  /// Events that are to come before all commands are known to be decided.
  var eventCount: Int { count }
  let command: @Sendable (Int) -> Command

  init(_ name: String, count: Int, command: @escaping @Sendable (Int) -> Command) {
    self.name = name
    self.count = count
    self.command = command
  }
}

extension Load {
  static let fleetSize = 10_000
  static let largeFleetSize = 100_000

  /// Servers 1...count, spread over 20 locations and 5 types.
  static func enrolment(_ count: Int) -> Load {
    Load("enroll", count: count) { index in
      Command("enroll", enrollBody(index + 1, "available", index))
    }
  }

  private static func enrollBody(
    _ server: Int, _ state: String, _ index: Int, location: Int? = nil, more: String = ""
  ) -> String {
    """
    {"operationUuid":"\(CommandID(seed: 0xE).text(server))","serverId":\(server),"locationId":\(location ?? index % 20 + 1),\
    "instanceTypeId":\(index / 20 % 5 + 1),"name":"server-\(server)","state":"\(state)"\(more)}
    """
  }

  /// The headline: a server out of use and back again, all servers in turn.
  static func isolation(_ count: Int, servers: Int = fleetSize, seed: UInt64) -> Load {
    let id = CommandID(seed: seed)
    return Load("isolate/unisolate", count: count) { index in
      let server = index / 2 % servers + 1
      guard index % 2 == 0 else {
        return Command("unisolate", #"{"operationUuid":"\#(id.text(index))","serverId":\#(server)}"#)
      }
      return Command(
        "isolate",
        """
        {"operationUuid":"\(id.text(index))","serverId":\(server),"subState":"brokenHardware",\
        "reason":"fan \(index) reported by monitoring"}
        """)
    }
  }
}

/// Allocations and returns with quotas over a large fleet.
extension Load {
  static let clients = 200

  /// 100,000 servers, every other one rented, and 1,000 rows of quota.
  static func market(servers: Int = largeFleetSize) -> Load {
    Load("market", count: servers + 1000) { index in
      if index < 1000 {
        // Each client's own row at five locations, for the type that it rents there.
        let client = index % clients + 1
        let location = index / clients * 4 + client % 4 + 1
        return Command(
          "set-quota",
          """
          {"operationUuid":"\(CommandID(seed: 0xA).text(index))","clientId":\(client),"locationId":\(location),\
          "instanceTypeId":\(client % 5 + 1),"limit":32767}
          """)
      }
      let server = index - 1000 + 1
      guard server % 2 == 0 else { return Command("enroll", enrollBody(server, "available", server / 2)) }
      return Command(
        "enroll", enrollBody(server, "allocated", server / 2, more: #","clientId":\#(client(of: server))"#))
    }
  }

  private static func client(of server: Int) -> Int { server / 2 % clients + 1 }

  /// Half are allocations, half are returns.
  static func allocation(_ count: Int, seed: UInt64) -> Load {
    let id = CommandID(seed: seed)
    return Load("allocate/deallocate", count: count) { index in
      let turn = index / 2
      guard index % 2 == 0 else {
        let server = (turn + 1) * 2
        return Command(
          "deallocate",
          #"{"operationUuid":"\#(id.text(index))","serverId":\#(server),"clientId":\#(client(of: server))}"#)
      }
      let client = turn % clients + 1
      let location = turn / clients % 5 * 4 + client % 4 + 1
      return Command(
        "allocate",
        """
        {"operationUuid":"\(id.text(index))","locationId":\(location),"instanceTypeId":\(client % 5 + 1),\
        "clientId":\(client)}
        """)
    }
  }
}

/// Every command, in about the shares that a fleet sends them. Each has servers of its own, so that the order between
/// queues, which nobody promises, decides nothing.
extension Load {
  private enum Part {
    static let deallocate = 100_000
    static let compensate = 120_000
    static let available = 140_000
    static let decommission = 160_000
    static let allocate = 180_000
    static let quarantine = 20_000
    static let reclassify = 30_000
    static let enroll = 1_000_000
  }

  /// Of 100 commands.
  private static let pattern: [String] = {
    let shares: [(String, Int)] = [
      ("isolate", 20), ("unisolate", 20), ("quarantine", 8), ("unquarantine", 8), ("enroll", 8), ("reclassify", 10),
      ("deallocate", 6), ("compensate", 4), ("available", 4), ("decommission", 4), ("allocate", 4), ("set-quota", 3),
      ("snapshot", 1),
    ]
    var left = shares.map(\.1)
    var pattern: [String] = []
    // Spread: always the one that is furthest behind its share.
    for place in 1...100 {
      let index = shares.indices.max { first, second in
        let owed = { (index: Int) in shares[index].1 * place - (shares[index].1 - left[index]) * 100 }
        return owed(first) < owed(second)
      }!
      left[index] -= 1
      pattern.append(shares[index].0)
    }
    return pattern
  }()
  private static let shareOf = Dictionary(grouping: pattern, by: \.self).mapValues(\.count)
  /// How often a place's command came before it in the pattern.
  private static let ordinals: [Int] = pattern.indices.map { place in
    pattern[..<place].count { $0 == pattern[place] }
  }

  /// What ``mix(_:seed:)`` of that size needs.
  static func mixFleet(_ count: Int) -> Load {
    let rounds = count / 100 + 1
    var groups: [(start: Int, count: Int, state: String, more: String, location: Int?)] = [
      (1, fleetSize, "available", "", nil), (Part.quarantine, 2000, "new", "", nil),
      (Part.reclassify, 2000, "new", "", nil),
    ]
    for (start, command, state, more, location) in [
      (Part.deallocate, "deallocate", "allocated", #","clientId":7"#, nil),
      (Part.compensate, "compensate", "allocated", #","clientId":7"#, nil),
      (Part.available, "available", "backToBaseline", "", nil),
      (Part.decommission, "decommission", "new", "", nil),
      (Part.allocate, "allocate", "available", "", 99),
    ] as [(Int, String, String, String, Int?)] {
      groups.append((start, rounds * shareOf[command]!, state, more, location))
    }
    let total = groups.reduce(0) { $0 + $1.count }
    let fixed = groups
    return Load("mix fleet", count: total + 5) { index in
      if index < 5 {
        return Command(
          "set-quota",
          """
          {"operationUuid":"\(CommandID(seed: 0xB).text(index))","clientId":0,"locationId":99,\
          "instanceTypeId":\(index + 1),"limit":32767}
          """)
      }
      var rest = index - 5
      for group in fixed {
        if rest < group.count {
          return Command(
            "enroll", enrollBody(group.start + rest, group.state, rest, location: group.location, more: group.more))
        }
        rest -= group.count
      }
      preconditionFailure("more commands than servers")
    }
  }

  static func mix(_ count: Int, seed: UInt64) -> Load {
    let id = CommandID(seed: seed)
    return Load("all commands", count: count) { index in
      let name = pattern[index % 100]
      // The how many-th of its kind.
      let turn = index / 100 * shareOf[name]! + ordinals[index % 100]
      let rest: String
      switch name {
      case "isolate":
        rest = #""serverId":\#(turn % fleetSize + 1),"subState":"failedOsInstall","reason":"attempt \#(turn)""#
      case "unisolate": rest = #""serverId":\#(turn % fleetSize + 1)"#
      case "quarantine": rest = #""serverId":\#(Part.quarantine + turn % 2000),"caseId":"case-\#(turn / 2000)""#
      case "unquarantine":
        rest = """
          "serverId":\(Part.quarantine + turn % 2000),"caseId":"case-\(turn / 2000)","outcome":"restore","reason":"cleared"
          """
      case "enroll":
        rest = """
          "serverId":\(Part.enroll + turn),"locationId":\(turn % 20 + 1),"instanceTypeId":3,"name":"server-\(turn)"
          """
      case "reclassify": rest = #""serverId":\#(Part.reclassify + turn % 2000),"name":"renamed-\#(turn)""#
      case "deallocate": rest = #""serverId":\#(Part.deallocate + turn),"clientId":7"#
      case "compensate": rest = #""serverId":\#(Part.compensate + turn),"clientId":7,"reason":"not delivered""#
      case "available": rest = #""serverId":\#(Part.available + turn)"#
      case "decommission": rest = #""serverId":\#(Part.decommission + turn),"reason":"end of life""#
      case "allocate":
        rest = #""locationId":99,"instanceTypeId":\#(turn / 20 % 5 + 1),"clientId":\#(turn % 50 + 1)"#
      case "set-quota":
        rest = #""clientId":\#(turn % 500 + 1000),"locationId":1,"instanceTypeId":1,"limit":\#(turn / 500 + 1)"#
      case "snapshot": rest = #""serverId":\#(turn % fleetSize + 1)"#
      default: preconditionFailure("no such command")
      }
      return Command(name, #"{"operationUuid":"\#(id.text(index))",\#(rest)}"#)
    }
  }
}
