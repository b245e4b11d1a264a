/// Why the worker ended, or one of its parts could not go on.
package struct WorkerError: Error, Sendable, CustomStringConvertible {
  package enum Code: String, CaseIterable, Sendable {
    /// Broker or store could not be reached within `startup.patience`.
    case unavailable
    /// The broker has objects that differ from what is needed, or lacks them; or the store is not one to run on.
    case refusedToStart
    /// Work in hand could not be finished within `shutdown.grace`.
    case notDrained
    /// An error of this program.
    case defect
  }
  package let code: Code
  package let message: String
  package let cause: String?

  package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause.map { String(describing: $0) }
  }

  package var description: String { cause.map { "\(message): \($0)" } ?? message }
}
