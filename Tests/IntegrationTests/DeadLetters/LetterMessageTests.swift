import AMQP
import Foundation
import Lifecycle
import Testing
import TestSupport
import Worker

@Suite("Dead letters as messages", .serialized)
struct LetterMessageTests {
  @Test("A replay has the properties and headers of the original, type by type, and nothing that would lead it astray")
  func fidelity() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      let exchange = fleet.topology.commandsExchange
      let copies = "\(exchange).copies"
      let aside = "\(exchange).aside"
      let order = Order.isolate(5, op: 1)
      var headers = LetterTypeTests.everyType
      headers["CC"] = .array([.string("nowhere.\(aside)")])
      headers["BCC"] = .array([.string("nowhere.\(aside)")])
      headers["x-death"] = .array([.table(["queue": "forged", "reason": "rejected", "count": 3])])
      headers["X-Api-Key"] = "secret"
      let properties = Properties(
        contentType: "application/json", contentEncoding: "utf-8", headers: headers, deliveryMode: 1, priority: 9,
        correlationID: "c", replyTo: "nobody", expiration: "600000", messageID: "m", timestamp: 42, type: "isolate",
        userID: "guest", appID: "app", clusterID: "cluster")
      try await Fleet.withConnection { connection in
        for queue in [copies, aside] { _ = try await connection.declareQueue(queue) }
        try await connection.bindQueue(copies, to: exchange, routingKey: "isolate")
        try await connection.bindQueue(aside, to: exchange, routingKey: "nowhere.#")
        _ = try await connection.consume(copies)
        try await fleet.publish([
          OutboundMessage(exchange: exchange, routingKey: "isolate", properties: properties, body: order.body)
        ])
        let original = try #require(try await LetterReplayTests.delivery(connection))
        let id = try #require(try await fleet.letters("--state answered", count: 1).first?.id.text)
        #expect(try await connection.purgeQueue(aside) >= 1, "CC and BCC have led the original aside")

        let shown = try await fleet.done("dl show \(id)")
        for part in [
          "decimal (decimal) 123.45", "int8 (int8) -8", "timestamp (timestamp) 1790000000 = 2026", "[3] (table)",
          "not UTF-8 (string that is not UTF-8, base64) /wDD", "priority          9",
          "bytes (byteArray, base64) AAEC/w==",
          "was rejected by a consumer in queue forged, 3 times (not one of our queues",
          "\"subState\": \"brokenHardware\"",
        ] {
          #expect(shown.output.contains(part), "\(part) is not in \(shown.output)")
        }
        #expect(!shown.output.contains("secret"))
        let raw = try await fleet.bench.ostler("dl", "show", id, "--raw")
        #expect(Array(raw.output.utf8) == order.body)

        _ = try await fleet.bench.ostler("dl", "replay", id, "--wait")
        let replayed = try #require(try await LetterReplayTests.delivery(connection))
        #expect(replayed.body.bytes == order.body)
        let dropped: Set = ["CC", "BCC", "x-death", "X-Api-Key"]
        let kept = (original.properties.headers?.entries ?? []).filter { !dropped.contains($0.key) }
        let came = replayed.properties.headers?.entries ?? []
        #expect(Array(came.dropLast()) == kept)
        #expect(came.last == .init(key: "x-ostler-replay", value: .string("\(id)/1")))
        var expected = original.properties
        expected.headers = replayed.properties.headers
        expected.replyTo = nil
        expected.expiration = nil
        expected.userID = nil
        expected.deliveryMode = 2
        #expect(replayed.properties == expected)
        #expect(try await connection.purgeQueue(aside) == 0, "a replay has one target")
        for queue in [copies, aside] { try await connection.deleteQueue(queue) }
      }
    }
  }

  @Test(
    "What the broker dead-lettered, could not route, or somebody put there: kept, explained; edit makes it a command")
  func fromTheBroker() async throws {
    try await Fleet.with(Fleet.quick) { fleet in
      _ = try await fleet.done("topology")
      func message(_ exchange: String, _ key: String, _ body: [UInt8], expiration: String? = nil) -> OutboundMessage {
        OutboundMessage(
          exchange: exchange, routingKey: key,
          properties: Properties(contentType: "application/json", expiration: expiration, type: expiration), body: body)
      }
      let exchange = fleet.topology.commandsExchange
      // No worker runs, so that the first outlives its time.
      try await fleet.publish([
        message(exchange, "isolate", Order.isolate(5, op: 1).body, expiration: "1"),
        message(exchange, "isolat", Order.isolate(6, op: 2).body),
        message("", fleet.topology.deadLettersQueue, Array("who knows \u{0}".utf8)),
      ])
      let (worker, _) = try await fleet.bench.withWorker {
        try await fleet.letters(count: 3)
        let expired = try #require(try await fleet.letters("--code expired").first)
        #expect(expired.command == "isolate" && expired.serverId == 5)
        let told = try await fleet.done("dl show \(expired.id.text ?? "")")
        #expect(told.output.contains("outlived its time to live in queue \(exchange).isolate"), "\(told.output)")
        #expect(told.output.contains("it came by exchange \(exchange) with routing key isolate"))

        let unknown = try #require(try await fleet.letters("--command isolat").first)
        #expect(unknown.code == "unknown-command")
        let id = try #require(unknown.id.text)
        let refused = try await fleet.bench.ostler("dl", "replay", id)
        #expect(refused.status == 1 && refused.complaints.contains("edit --command"), "\(refused.complaints)")
        let forecast = try await fleet.done("dl replay \(id) --dry-run --json")
        #expect(try JSONNode(Array(forecast.output.utf8)).wouldCode == "unknown-command")
        let bare = try await fleet.bench.ostler("dl", "edit", id, "--set", "reason=typo")
        #expect(bare.status == 1 && bare.complaints.contains("--command"), "\(bare.complaints)")

        let foreign = try #require(try await fleet.letters("--command unknown").first)
        #expect(foreign.code == "foreign")
        let dump = try await fleet.done("dl show \(foreign.id.text ?? "")")
        #expect(
          dump.output.contains("77 68 6f 20 6b 6e 6f 77  73 20 00")
            || dump.output.contains("77 68 6f 20 6b 6e 6f 77 73 20 00"))
        try await fleet.done("dl discard \(foreign.id.text ?? "") --reason 'not ours'")

        try await fleet.publish([.enroll(6, "new")])
        try await fleet.done("dl edit \(id) --command isolate --set reason=typo --wait --reason mended")
        let resolved = try #require(try await fleet.letters("--state resolved").first)
        #expect(resolved.command == "isolate" && resolved.serverId == 6 && resolved.id != unknown.id)
        #expect(resolved.operationUuid != unknown.operationUuid)
        let closed = try await fleet.done("dl show \(id) --json")
        #expect(try JSONNode(Array(closed.output.utf8)).state == "discarded")
        #expect(try await fleet.version(of: 6) == 2)
      }
      #expect(worker.status == 0)
    }
  }

  @Test("Listing changes nothing, however often")
  func listing() async throws {
    try await Fleet.atWork(Fleet.quick) { fleet in
      try await fleet.publish((0..<20).map { .isolate(Int64(100 + $0), op: UInt64($0)) })
      let before = try await fleet.letters(count: 20)
      let looked = try await fleet.bench.shell(
        "for i in $(seq 100); do ostler dl list --json >/dev/null || exit 1; done; ostler dl >/dev/null && ostler dl list"
      )
      #expect(looked.status == 0)
      #expect(try await fleet.letters() == before)
      #expect(before.allSatisfy { $0.count == 1 && $0.attempts == 0 })
    }
  }

  @Test(
    "What was exported is imported byte by byte; twice does no harm; a damaged line is named and nothing is taken in")
  func exportAndImport() async throws {
    try await Fleet.with(Fleet.quickWithTwoStores) { fleet in
      _ = try await fleet.done("topology")
      _ = try await fleet.bench.withWorker {
        let exchange = fleet.topology.commandsExchange
        try await fleet.publish([
          OutboundMessage(
            exchange: exchange, routingKey: "isolate",
            properties: Properties(headers: LetterTypeTests.everyType, messageID: "m"),
            body: [0xFF, 0, 0x22, 0x0A]),
          OutboundMessage(
            exchange: exchange, routingKey: "isolate", properties: Order.isolate(5).properties,
            body: Order.isolate(5, op: 7).body),
        ])
        try await fleet.letters(count: 2)
        _ = try await fleet.bench.ostler("dl", "replay", "--code", "unknown-server", "--wait")
      }
      let before = try await fleet.letters()
      try await fleet.done("dl export -o letters.jsonl")
      let exported = try String(contentsOfFile: fleet.bench.path("letters.jsonl"), encoding: .utf8)
      let lines = exported.split(separator: "\n").map(String.init)
      #expect(lines.count == 2)
      #expect(try JSONNode(Array((lines.last ?? "").utf8)).replays[0].state == "failed")

      // Another installation: a store of its own.
      _ = try await fleet.bench.shell("mkdir old && mv ostler.sqlite* old/")
      _ = try await fleet.bench.withWorker { try await fleet.done("send snapshot") }
      for (damage, message) in [
        ("{\"id\":1}", "letters2.jsonl:2: the field"), ("{", "letters2.jsonl:2: no JSON object"),
        (lines[1].replacingOccurrences(of: "\"bodyBase64\":\"", with: "\"bodyBase64\":\"AAAA"), "letters2.jsonl:2: "),
        (lines[1].replacingOccurrences(of: "\"type\":\"isolate\"", with: "\"type\":7"), ""),
        (lines[1].replacingOccurrences(of: "\"state\":\"open\"", with: "\"state\":\"opened\""), "field state"),
      ] where damage != lines[1] {
        try fleet.bench.write("\(lines[0])\n\(damage)\n", to: "letters2.jsonl")
        let refused = try await fleet.bench.ostler("dl", "import", "letters2.jsonl")
        #expect(refused.status == 1)
        #expect(refused.complaints.contains(message), "\(refused.complaints)")
        #expect(refused.complaints.contains("nothing of the file was taken in"))
        #expect(try await fleet.letters().isEmpty)
      }
      let taken = try await fleet.done("dl import letters.jsonl")
      #expect(taken.output.contains("2 taken in"))
      #expect(try await fleet.letters() == before)
      #expect(try await fleet.done("dl export").output == exported)
      let again = try await fleet.done("dl import letters.jsonl")
      #expect(again.output.contains("0 taken in, 2 were here already"))
      #expect(try await fleet.letters() == before)
      #expect(try await fleet.bench.ostler("dl", "import", "missing.jsonl").status == 64)

      _ = try await fleet.bench.withWorker {
        try await fleet.publish([.enroll(5, "new")])
        let replayed = try await fleet.done("dl replay --server 5 --wait")
        #expect(replayed.output.contains("1 applied"), "\(replayed.output)")
      }
      #expect(try await fleet.letters("--state resolved").first?.attempts == 2)
    }
  }
}
