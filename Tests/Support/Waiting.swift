import Foundation

/// A condition that did not come true in time.
package struct TimedOut: Error, CustomStringConvertible {
  package let what: String
  package let after: Duration
  package var description: String { "not within \(after): \(what)" }
}

/// How long tests wait for what must happen: generous, because the machine may be busy with other tests.
package let patience = Duration.seconds(60)

/// Asks again and again until there is an answer.
///
/// - Throws: ``TimedOut``, or what the condition throws.
package func eventually<Answer>(
  _ what: @autoclosure () -> String, within limit: Duration = patience, every pause: Duration = .milliseconds(20),
  _ condition: () async throws -> Answer?
) async throws -> Answer {
  let deadline = ContinuousClock.now + limit
  while true {
    if let answer = try await condition() { return answer }
    guard ContinuousClock.now < deadline else { throw TimedOut(what: what(), after: limit) }
    try await Task.sleep(for: pause)
  }
}

/// Asks again and again until it is so.
package func eventually(
  _ what: @autoclosure () -> String, within limit: Duration = patience, every pause: Duration = .milliseconds(20),
  _ condition: () async throws -> Bool
) async throws {
  let _: Bool = try await eventually(what(), within: limit, every: pause) { try await condition() ? true : nil }
}
