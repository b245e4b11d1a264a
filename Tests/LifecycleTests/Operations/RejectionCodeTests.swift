import Lifecycle
import Testing

@Suite("The codes, contract section 4")
struct RejectionCodeTests {
  /// The column *code* and the column *retry* of the page.
  private static let page: [(codes: String, retry: String)] = [
    (
      "malformed-json, invalid-field, unknown-field, too-large, unsupported-content, missing-operation-uuid, misrouted, unknown-command",
      "never"
    ),
    ("unauthenticated, forbidden", "after-change"),
    ("operation-conflict", "never"),
    ("expired", "never"),
    (
      "unknown-server, server-allocated, server-quarantined, held-by-other-case, server-in-service, not-in-baseline",
      "after-change"
    ),
    (
      "server-exists, client-mismatch, unknown-allocation, already-deallocated, stale-baseline, stale-version, server-decommissioned",
      "never"
    ),
    ("quota-exceeded, quota-not-configured, contract-unknown, no-capacity", "later"),
    ("delivery-limit, broker-rejected, worker-crash, foreign", "after-change"),
  ]

  @Test("every code of the page, no other, with its retry")
  func retries() throws {
    var seen: Set<RejectionCode> = []
    for line in Self.page {
      for name in line.codes.split(separator: ", ") {
        let code = try #require(RejectionCode(rawValue: String(name)), "\(name)")
        #expect(code.retry.rawValue == line.retry, "\(name)")
        #expect(seen.insert(code).inserted, "\(name)")
      }
    }
    #expect(seen == Set(RejectionCode.allCases))
    #expect(Set(Retry.allCases.map(\.rawValue)) == ["never", "after-change", "later"])
  }
}
