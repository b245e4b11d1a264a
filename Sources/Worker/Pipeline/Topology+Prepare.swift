import Logging

extension Topology {
  /// Has the broker ready: declares, or verifies, whichever the setting asks for. A permitted difference is a warning.
  func prepare(
    on connection: any DeclaringConnection, mode: TopologyMode, logger: Logger
  ) async throws(TopologyError) {
    let warn = { (error: TopologyError) in
      switch error.code {
      case .missing: logger.log(.warning, "the events log is missing", [.error: error])
      case .differs, .notAllowed, .unavailable: logger.log(.warning, "the events log differs", [.error: error])
      }
    }
    switch mode {
    case .declare: try await declare(on: connection, warn: warn)
    case .verify: try await verify(on: connection, warn: warn)
    }
  }
}
