package import Lifecycle

/// What became of a dead letter, for the log and the metrics.
package struct LetterNote: Hashable, Sendable {
  package enum Kind: String, CaseIterable, Hashable, Sendable {
    case kept
    /// A replay of it was published.
    case replayed
    case resolved
    /// A replay of it failed; it is open again.
    case failedAgain = "failed_again"
    // By an operator.
    case discarded, reopened, edited, imported
  }

  /// Of the log, each time that letters are told of: a flood of them must not become one of lines.
  static let maxLines = 20

  package let kind: Kind
  package let id: UUID128
  package let command: String
  /// Why it is kept, or open again.
  package let code: RejectionCode?
}
