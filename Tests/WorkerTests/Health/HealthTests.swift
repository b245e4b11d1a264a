import Testing
import Worker

@Suite struct HealthTests {
  @Test("Ready when every part is, and only then")
  func ready() {
    let health = Health()
    #expect(!health.isReady)
    for part in Health.Part.allCases {
      #expect(!health.isReady)
      health.set(part, .ready)
    }
    #expect(health.isReady)
    for part in Health.Part.allCases {
      health.set(part, .notReady("why"))
      #expect(!health.isReady, "\(part)")
      health.set(part, .ready)
    }
    #expect(health.isReady)
  }

  @Test("The report has one line a part, in order, with the reason")
  func report() {
    let health = Health()
    health.set(.store, .ready)
    health.set(.publisher, .notReady("not connected: connectFailed"))
    #expect(
      health.report == """
        store: ready
        lock: starting
        consumer: starting
        publisher: not connected: connectFailed

        """)
  }
}
