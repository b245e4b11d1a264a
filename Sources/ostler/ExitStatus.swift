/// The statuses that the process ends with: those of the contract, which are those of BSD's `sysexits.h`.
package enum ExitStatus: Int32, CaseIterable {
  /// Done, or asked to stop and drained.
  case done = 0
  /// Understood, and refused or partly failed.
  case refused = 1
  /// Wrong usage.
  case usage = 64
  /// Broker or store unavailable, or no answer in time.
  case unavailable = 69
  /// A defect of ours.
  case defect = 70
  /// Bad configuration.
  case configuration = 78
}

/// Why a command of the command line ends without success. The message goes to the standard error.
struct CommandFailure: Error {
  let status: ExitStatus
  /// What happened, to which thing, and what to do. Empty where everything has been said already.
  let message: String

  init(_ status: ExitStatus, _ message: String) {
    self.status = status
    self.message = message
  }
}
