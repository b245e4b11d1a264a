import FlyingFox
import FlyingSocks
import Foundation
import Logging
import ServiceLifecycle

/// `/livez`, `/readyz` and `/metrics` over HTTP, for probes and scrapers on the operator's side of the fence.
struct HealthServer: Service {
  private static let retryDelay = Duration.seconds(5)

  private let listen: ListenAddress
  private let health: Health
  private let registry: PrometheusRegistry
  private let logger: Logger

  init(_ parts: WorkerParts) {
    listen = parts.settings.http.address
    health = parts.health
    registry = parts.registry
    logger = parts.logger
  }

  /// An address that is taken stops no command from being applied: it is said, and tried again.
  func run() async throws {
    try? await cancelledByShutdown { () async throws -> Void in
      while !Task.isCancelled {
        do {
          try await serve()
        } catch {
          try Task.checkCancellation()
          logger.log(
            .error, "http.address \(listen) cannot be served; there are no probes and no metrics until it can",
            [.error: String(describing: error), .delay: Self.retryDelay])
          try await Task.sleep(for: Self.retryDelay)
        }
      }
    }
  }

  private func serve() async throws {
    let address = try listen.resolved()
    let server = Self.server(at: address)
    await server.appendRoute("GET /livez") { _ in Self.text(.ok, "alive\n") }
    await server.appendRoute("GET /readyz") { [health] _ in
      Self.text(health.isReady ? .ok : .serviceUnavailable, health.report)
    }
    await server.appendRoute("GET /metrics") { [registry] _ in
      Self.text(.ok, registry.exposition(), type: "text/plain; version=0.0.4; charset=utf-8")
    }
    try await server.run()
  }

  private static func server(at address: some SocketAddress) -> HTTPServer {
    HTTPServer(config: .init(address: address, timeout: 5, logger: .disabled))
  }

  private static func text(
    _ status: HTTPStatusCode, _ body: String, type: String = "text/plain; charset=utf-8"
  ) -> HTTPResponse {
    HTTPResponse(statusCode: status, headers: [.contentType: type], body: Data(body.utf8))
  }
}
