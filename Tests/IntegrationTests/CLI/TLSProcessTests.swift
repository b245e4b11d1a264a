import Foundation
import Testing

@Suite("ostler over TLS")
struct TLSProcessTests {
  private static func environment(_ name: String) throws -> String {
    try #require(ProcessInfo.processInfo.environment[name], "\(name) is not set: run these tests with scripts/test")
  }

  @Test("A broker of an authority of one's own: SSL_CERT_FILE names it, for the worker and the command line")
  func ownAuthority() async throws {
    let tls = [
      "OSTLER_AMQP_URI": try Self.environment("OSTLER_TEST_AMQPS_URI"),
      "SSL_CERT_FILE": try Self.environment("OSTLER_TEST_CA"),
    ]
    try await Fleet.atWork(tls) { fleet in
      let sent = try await fleet.done("send enroll --server 1 --location 18 --type 126")
      #expect(sent.output.hasPrefix("applied"))
      let told = try await fleet.done("events --from first --count 1")
      #expect(told.output.contains("server 1 enrolled"))
    }
  }

  @Test("An authority that nobody trusts, and a file that is none: status 69, and why")
  func untrusted() async throws {
    var variables = ["OSTLER_AMQP_URI": try Self.environment("OSTLER_TEST_AMQPS_URI")]
    try await Fleet.with(variables) { fleet in
      let ended = try await fleet.bench.ostler("topology")
      #expect(ended.status == 69)
      #expect(ended.complaints.contains("certificate is not from an authority that we trust"), "\(ended.complaints)")
    }
    variables["SSL_CERT_FILE"] = "/nowhere/ca.pem"
    try await Fleet.with(variables) { fleet in
      let ended = try await fleet.bench.ostler("topology")
      #expect(ended.status == 69)
      #expect(ended.complaints.contains("/nowhere/ca.pem is not a readable PEM file"), "\(ended.complaints)")
    }
  }
}
