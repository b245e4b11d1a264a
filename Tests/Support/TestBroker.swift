package import AMQP
import Foundation
import Subprocess
import SystemPackage

/// The broker that `scripts/test` starts for the suites.
package enum TestBroker {
  package struct Missing: Error, CustomStringConvertible {
    let variable: String
    package var description: String {
      "\(variable) is not set: these tests need a real broker; run them with scripts/test"
    }
  }

  package struct ControlFailed: Error, CustomStringConvertible {
    let arguments: [String]
    let output: String
    package var description: String { "rabbitmqctl \(arguments.joined(separator: " ")): \(output)" }
  }

  static func environment(_ variable: String) throws -> String {
    guard let value = ProcessInfo.processInfo.environment[variable], !value.isEmpty else {
      throw Missing(variable: variable)
    }
    return value
  }

  package static func uri(virtualHost: String = "/") throws -> BrokerURI {
    let base = try BrokerURI(environment("OSTLER_TEST_AMQP_URI"))
    return try BrokerURI(
      host: base.host, port: base.port, user: base.user, password: base.password, virtualHost: virtualHost)
  }

  /// Runs rabbitmqctl against it: its output.
  @discardableResult
  package static func control(_ arguments: String...) async throws -> String {
    let result = try await run(
      .path(.init(environment("OSTLER_TEST_RABBITMQCTL"))), arguments: Arguments(arguments),
      output: .string(limit: 1 << 20), error: .combinedWithOutput)
    let output = result.standardOutput
    guard result.terminationStatus.isSuccess else { throw ControlFailed(arguments: arguments, output: output) }
    return output
  }

  /// Breaks the worker's connections (of one role only) in a virtual host, and no other, so often with so long in between.
  // Caught: connections of tests beside this one come and go between the listing and the question.
  package static func closeWorkerConnections(
    _ role: String = "", in virtualHost: String, times: Int = 1, every pause: Duration = .zero
  ) async throws {
    let milliseconds = pause.components.seconds * 1000 + pause.components.attoseconds / 1_000_000_000_000_000
    try await control(
      "eval",
      """
      [timer:sleep(\(milliseconds)) || _ <- lists:seq(1, \(times)), _ <- [[(catch rabbit_networking:close_connection(P, "closed by a test")) || P <- rabbit_networking:connections(),
        [{vhost, V}, {client_properties, C}] <- [(catch rabbit_networking:connection_info(P, [vhost, client_properties]))],
        V =:= <<"\(virtualHost)">>,
        {<<"connection_name">>, _, <<"ostler-\(role)", _/binary>>} <- C]]].
      """)
  }
}

extension BrokerURI {
  /// For `OSTLER_AMQP_URI`.
  package var text: String {
    let host = virtualHost == "/" ? "%2F" : virtualHost
    return "amqp://\(user):\(password)@\(self.host):\(port)/\(host)"
  }
}
