package import Lifecycle

/// Messages that were being handled when the worker died (contract section 7): a message that kills the process each
/// time is found by this count.
extension Transaction {
  /// Notes, before it is decoded, that the message is about to be handled.
  ///
  /// - Parameter sameMessage: 32 bytes, as in ``DeadLetter/sameMessage``.
  /// - Returns: how often it has been noted without the note having been taken back, this time included: one more than
  ///   the crashes in a row.
  package func noteSuspect(_ sameMessage: [UInt8], at moment: Timestamp) throws(StoreError) -> Int {
    var run = try connection.prepare(Statements.note)
    run.bind(sameMessage)
    run.bind(moment)
    var times = 0
    while try run.step() { times = Int(run.integer(0)) }
    return times
  }

  /// Takes the note back: the message was parked, or decided in this transaction.
  package func clearSuspect(_ sameMessage: [UInt8]) throws(StoreError) {
    var run = try connection.prepare(Statements.clear)
    run.bind(sameMessage)
    try run.finish()
  }

  /// Forgets every note: the worker ends in good order, so no more ends follow one another.
  package func clearSuspects() throws(StoreError) { try connection.run(Statements.clearAll) }

  /// Forgets notes from before `moment`: their messages were not seen again.
  package func clearSuspects(notedBefore moment: Timestamp) throws(StoreError) {
    var run = try connection.prepare(Statements.clearOld)
    run.bind(moment)
    try run.finish()
  }
}

private enum Statements {
  static let note = SQLText(
    """
    INSERT INTO suspects (same_message, times, noted_at) VALUES (?, 1, ?)
    ON CONFLICT DO UPDATE SET times = times + 1, noted_at = excluded.noted_at RETURNING times
    """)
  static let clear = SQLText("DELETE FROM suspects WHERE same_message = ?")
  static let clearAll = SQLText("DELETE FROM suspects")
  static let clearOld = SQLText("DELETE FROM suspects WHERE noted_at < ?")
}
