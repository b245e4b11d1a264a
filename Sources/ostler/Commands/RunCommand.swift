import ArgumentParser
import Logging
import Worker

/// `ostler run`: the worker.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run the worker.",
    discussion: """
      Takes commands from the broker, applies each one once, publishes what changed. Logs to the standard error. \
      SIGTERM and SIGINT ask it to stop: it finishes what it has in hand, and ends with status 0; a second one ends it \
      at once. A second worker on the same store waits until the first has gone.

        ostler run
        ostler run --config /etc/ostler/ostler.yaml
        OSTLER_LOG_FORMAT=json OSTLER_LOG_LEVEL=debug ostler run
      """
  )

  @OptionGroup var common: CommonOptions

  func run() async throws {
    Allocator.keepHeapsFew()
    let settings = try common.settings()
    let logger = LogSystem.start(settings.log)
    do {
      try await WorkerApplication(settings: settings, logger: logger).run()
    } catch let error as WorkerError {
      // Whoever reads the log as JSON reads its last line too.
      guard case .json = settings.log.format else {
        throw CommandFailure(status(of: error.code), error.description)
      }
      logger.critical("\(error)")
      throw CommandFailure(status(of: error.code), "")
    }
  }

  private func status(of code: WorkerError.Code) -> ExitStatus {
    switch code {
    case .unavailable: .unavailable
    case .refusedToStart: .configuration
    case .notDrained: .refused
    case .defect: .defect
    }
  }
}
