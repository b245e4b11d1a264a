package import Logging

package struct WorkerApplication: Sendable {
  let settings: Settings
  let logger: Logger
  package init(settings: Settings, logger: Logger) {
    self.settings = settings
    self.logger = logger
  }
  package func run() async throws {}
}
