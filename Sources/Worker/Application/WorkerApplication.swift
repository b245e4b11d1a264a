package import Logging
import ServiceLifecycle
import Store
import UnixSignals

/// The worker: everything composed, run until asked to stop.
package struct WorkerApplication: Sendable {
  private let settings: Settings
  private let logger: Logger

  package init(settings: Settings, logger: Logger) {
    self.settings = settings
    self.logger = logger
  }

  /// Runs until SIGTERM or SIGINT, then finishes the work in hand and returns. A second signal ends the process at once.
  ///
  /// - Throws: ``WorkerError``.
  package func run() async throws {
    try refuseWhatIsNotEnforced()
    let store = try await StoreOpening(settings: settings, logger: logger).open()
    let parts = WorkerParts(settings: settings, store: store, world: .real(settings), logger: logger)
    parts.health.set(.store, .ready)
    warnAboutOpenDoor()
    let secondSignal = SecondSignal(logger: logger)
    defer { secondSignal.stop() }
    do {
      try await group(parts).run()
      // The group ends without an error too when the grace is over.
      guard parts.outbox.state.value.isDrained else { throw notDrained }
      logger.log(.notice, "stopped; everything in hand is finished", [:])
    } catch let error as WorkerError {
      throw error
    } catch is CancellationError {
      throw notDrained
    } catch let error as ServiceGroupError {
      throw WorkerError(.defect, "a part of the worker ended unexpectedly", cause: error)
    } catch {
      throw WorkerError(.defect, "the worker failed", cause: error)
    }
  }

  private var notDrained: WorkerError {
    WorkerError(
      .notDrained,
      "not everything was finished within shutdown.grace (\(DurationText.write(settings.shutdown.grace))); nothing is lost: "
        + "commands that were not acknowledged come again, and events wait in the store")
  }

  private func group(_ parts: WorkerParts) -> ServiceGroup {
    // Probes see the shutdown: their server stops last.
    let services: [any Service] = [HealthServer(parts)] + parts.services()
    var configuration = ServiceGroupConfiguration(
      services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
      gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
    configuration.maximumGracefulShutdownDuration = settings.shutdown.grace
    return ServiceGroup(configuration: configuration)
  }

  /// The group's own lines say nothing that ours do not.
  private var quiet: Logger {
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .error)
    return quiet
  }

  /// A setting that asks for protection must not be taken in silence by a version that gives none.
  private func refuseWhatIsNotEnforced() throws(WorkerError) {
    guard settings.authorization.isRequired || !settings.authorization.requiredFor.isEmpty else { return }
    throw WorkerError(
      .refusedToStart,
      """
      authorization.required and authorization.requiredFor are not enforced by this version: remove them, and let \
      the broker's permissions decide who may publish to \(settings.amqp.namespace).commands
      """)
  }

  private func warnAboutOpenDoor() {
    logger.log(
      .warning,
      """
      authorization.required is false: whoever may publish to \(settings.amqp.namespace).commands may do anything to \
      any server
      """, [:])
  }
}
