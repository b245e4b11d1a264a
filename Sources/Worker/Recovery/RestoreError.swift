import Store

/// Why a backup was not restored. Nothing was changed.
package struct RestoreError: Error, Sendable, CustomStringConvertible {
  package enum Code: String, CaseIterable, Sendable {
    /// It could be done, and should not be.
    case refused
    /// The broker, or a file, cannot be reached or used just now.
    case unavailable
    /// An error of this program.
    case defect
  }

  package let code: Code
  /// What is wrong, with which thing, and what to do.
  package let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  init(_ error: StoreError) {
    let code: Code =
      switch error.code {
      case .cannotOpen, .busy, .diskFull, .ioError, .readOnly: .unavailable
      case .corrupt, .newerSchema, .notOstler, .migrationNeeded, .fenced, .refused, .cancelled: .refused
      case .defect: .defect
      }
    self.init(code, error.message)
  }

  package var description: String { message }
}
