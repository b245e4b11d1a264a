import Foundation
import Testing

@Suite("ostler import")
struct ImportTests {
  @Test("A file with bad lines: each told with file and line, and nothing is sent")
  func badLines() async throws {
    // No broker is reached: the address leads nowhere.
    try await Bench.with(["OSTLER_AMQP_URI": "amqp://127.0.0.1:1"]) { bench in
      try bench.write(
        """
        serverId,locationId,instanceTypeId,state,subState,clientId
        1,18,126,available,,
        x,18,126,,,
        3,18
        4,18,126,isolated,,
        5,18,126,allocated,,
        6,0,126,,,
        7,18,126,"available
        """, to: "fleet.csv")
      let ended = try await bench.ostler("import", "servers", "fleet.csv")
      #expect(ended.status == 1)
      #expect(ended.output.isEmpty)
      for part in [
        "fleet.csv:3: serverId: 'x' is not a whole number", "fleet.csv:4: 2 fields, but the header has 6 columns",
        "fleet.csv:5: invalid-field: The field subState is missing",
        "fleet.csv:6: invalid-field: The field clientId is missing",
        "fleet.csv:7: invalid-field: The field locationId is an integer out of range", "fleet.csv:8: a quoted field",
        "fleet.csv: 6 bad lines; nothing was sent",
      ] {
        #expect(ended.complaints.contains(part), "\(part) is not in \(ended.complaints)")
      }
    }
  }

  @Test(
    "A header that is wrong is told",
    arguments: [
      ("serverId,locationID\n", "unknown column 'locationID'; did you mean 'locationId'?"),
      ("serverId,serverId\n", "column 'serverId' is there twice"), ("", "empty; the first row names the columns"),
    ])
  func headers(text: String, part: String) async throws {
    try await Bench.with { bench in
      try bench.write(text, to: "fleet.csv")
      let ended = try await bench.ostler("import", "servers", "fleet.csv")
      #expect(ended.status == 1)
      #expect(ended.complaints.contains("fleet.csv:1: \(part)"))
    }
  }

  @Test("Servers, twice: the second time changes nothing and brings nothing back")
  func servers() async throws {
    try await Fleet.atWork { fleet in
      let bench = fleet.bench
      let rows = (1...600).map { "\($0),18,126,\"rack \"\"\($0)\"\"\",available" }
      try bench.write(
        "\u{FEFF}serverId,locationId,instanceTypeId,name,state\r\n" + rows.joined(separator: "\r\n"), to: "fleet.csv")
      let first = try await bench.ostler("import", "servers", "fleet.csv")
      #expect(first.status == 0, "\(first.complaints)")
      #expect(first.output == "600 servers: 600 applied\n")
      try await #expect(bench.ostler("send", "decommission", "--server", "600").status == 0)
      let second = try await bench.ostler("import", "servers", "fleet.csv")
      #expect(second.output == "600 servers: 600 applied, 600 of them decided before, 1 moved on since\n")
      let servers = try await bench.ostler("servers", "--json")
      let objects = try servers.objects()
      #expect(objects.count == 600)
      #expect(objects.first?["name"] as? String == "rack \"1\"")
      #expect(objects.last?["state"] as? String == "decommissioned")
      let again = try await bench.ostler("import", "servers", "fleet.csv", "--attempt", "2")
      #expect(again.output == "600 servers: 1 applied, 599 unchanged\n")
    }
  }

  @Test("Quotas: the file says what holds, each time it is imported")
  func quotas() async throws {
    try await Fleet.atWork { fleet in
      let bench = fleet.bench
      let header = "clientId,contractId,locationId,instanceTypeId,limit\n"
      try bench.write(header + "7,C-1,18,126,5\n0,,18,126,2\n7,,0,0,80\n", to: "monday.csv")
      try bench.write(header + "7,C-1,18,126,6\n0,,18,126,null\n7,,0,0,80\n", to: "tuesday.csv")
      try await #expect(bench.ostler("import", "quotas", "monday.csv").output == "3 quota rows: 3 applied\n")
      try await #expect(
        bench.ostler("import", "quotas", "tuesday.csv").output == "3 quota rows: 2 applied, 1 unchanged\n")
      try await #expect(
        bench.ostler("import", "quotas", "monday.csv").output == "3 quota rows: 2 applied, 1 unchanged\n")
      let rows = try await bench.ostler("quotas", "--json").objects()
      #expect(rows.map { $0["limit"] as? Int } == [2, 80, 5])
      #expect(rows.map { $0["used"] as? Int } == [nil, 0, 0])
      let lines = #"{"clientId":8,"locationId":18,"instanceTypeId":126,"limit":1}"# + "\n"
      let piped = try await bench.ostler("import", "quotas", "-", "--format", "jsonl", input: lines)
      #expect(piped.output == "1 quota rows: 1 applied\n")
    }
  }

  @Test("Rows that are refused are told with file and line, status 1")
  func refused() async throws {
    try await Fleet.atWork { fleet in
      try fleet.bench.write("serverId,locationId,instanceTypeId\n1,18,126\n1,19,126\n", to: "fleet.csv")
      let ended = try await fleet.bench.ostler("import", "servers", "fleet.csv")
      #expect(ended.status == 1)
      #expect(ended.output == "2 servers: 1 applied, 1 rejected (1 server-exists)\n")
      #expect(ended.complaints.hasPrefix("ostler: fleet.csv:3: server-exists: "))
    }
  }
}
