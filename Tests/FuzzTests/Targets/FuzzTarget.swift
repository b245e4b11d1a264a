/// The readers of what others wrote, each behind one entry function that takes any bytes.
///
/// libFuzzer calls them (`scripts/fuzz`), and `CorpusTests` calls the same with the corpus. An entry function reads as the
/// worker does and then checks what must hold of every input, not only that nothing traps.
enum FuzzTarget: String, CaseIterable, Sendable {
  /// A message from a command queue: ``CommandTarget``.
  case command
  /// A content header from the wire: ``HeaderTarget``.
  case header
  /// A line or a header table of `dead-letters export`: ``LetterTarget``.
  case letter

  /// - Returns: what became of it, in a word or two; the corpus says beside its inputs what that must be.
  func check(_ input: [UInt8]) throws(Violation) -> String {
    switch self {
    case .command: try CommandTarget.check(input)
    case .header: try HeaderTarget.check(input)
    case .letter: try LetterTarget.check(input)
    }
  }
}

/// A rule that an input broke.
struct Violation: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ rule: @autoclosure () -> String) throws(Violation) {
  guard condition else { throw Violation(rule()) }
}
