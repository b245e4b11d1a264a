/// Why the broker does not have what Ostler needs.
package struct TopologyError: Error, Sendable, CustomStringConvertible {
  package enum Code: String, CaseIterable, Sendable {
    /// It is there, with another argument. A person decides which is right.
    case differs
    /// `verify`: it is not there.
    case missing
    /// The broker's permissions do not allow it.
    case notAllowed
    /// The broker is away or failed: over some time.
    case unavailable
  }

  package let code: Code
  /// Which object, what is wrong with it, and what to do.
  package let message: String
  package let cause: (any Error)?

  package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  package var description: String { message }
}
