/// Why settings cannot be used. The process stops with status 78.
package struct SettingsError: Error, Sendable, CustomStringConvertible {
  package enum Code: String, CaseIterable, Sendable {
    case unreadableFile = "unreadable-file"
    case malformedFile = "malformed-file"
    case duplicateKey = "duplicate-key"
    case unknownKey = "unknown-key"
    case badValue = "bad-value"
  }

  package let code: Code
  /// One sentence that names the key, where it was found, what was found and what is allowed. Never a password.
  package let message: String
  package let cause: (any Error)?

  package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  package var description: String { message }
}
