import Foundation
import Testing

@Suite("ostler run")
struct RunCommandTests {
  @Test("Asked to stop: status 0; its log as JSON is an object a line, without the password")
  func jsonLog() async throws {
    try await Fleet.with(["OSTLER_LOG_FORMAT": "json", "OSTLER_LOG_LEVEL": "debug"]) { fleet in
      try await #expect(fleet.bench.ostler("topology").status == 0)
      let (worker, sent) = try await fleet.bench.withWorker {
        try await fleet.bench.ostler("send", "enroll", "--server", "1", "--location", "18", "--type", "126").status
      }
      #expect(sent == 0)
      #expect(worker.status == 0)
      let lines = worker.complaints.split(separator: "\n")
      #expect(!lines.isEmpty)
      for line in lines {
        let entry = try #require(
          try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "no object: \(line)")
        #expect(entry["time"] is String && entry["level"] is String && entry["message"] is String)
      }
      #expect(!worker.complaints.contains("guest:guest"))
    }
  }

  @Test("No broker: status 69 once startup.patience is over")
  func noBroker() async throws {
    try await Bench.with([
      "OSTLER_AMQP_URI": "amqp://me:hunter2@127.0.0.1:1", "OSTLER_STARTUP_PATIENCE": "500ms",
      "OSTLER_HTTP_ADDRESS": "127.0.0.1:0",
    ]) { bench in
      let ended = try await bench.ostler("run")
      #expect(ended.status == 69, "\(ended.complaints)")
      #expect(ended.complaints.contains("127.0.0.1:1"))
      #expect(!ended.complaints.contains("hunter2"))
      #expect(ended.output.isEmpty)
    }
  }

  @Test("A store that is none: not started, and the file left as it is")
  func foreignStore() async throws {
    try await Bench.with(["OSTLER_STARTUP_PATIENCE": "500ms", "OSTLER_HTTP_ADDRESS": "127.0.0.1:0"]) { bench in
      try bench.write("no database", to: "ostler.sqlite")
      let ended = try await bench.ostler("run")
      #expect(ended.status != 0)
      #expect(ended.complaints.contains("ostler.sqlite"))
      #expect(try String(contentsOfFile: bench.path("ostler.sqlite"), encoding: .utf8) == "no database")
    }
  }
}
