package import Lifecycle

/// What a store out of a backup must not simply go on with.
extension Transaction {
  /// Takes the right to commit from the worker of then, forgets what it had in hand, and gives up the replays that were
  /// under way: their letters are open again, and a copy that still comes back changes nothing.
  ///
  /// - Returns: how many replays there were.
  package func giveUpWork(by who: String, reason: String, at moment: Timestamp) throws(StoreError) -> Int {
    try setWorker(nil)
    try clearSuspects(notedBefore: Timestamp(milliseconds: .max))
    var letters: [UUID128] = []
    do {
      var run = try connection.prepare(Statements.running)
      while try run.step() { letters.append(try run.uuid(0)) }
    }
    for letter in letters { _ = try reopen(letter, by: who, reason: reason, at: moment) }
    return letters.count
  }

  /// A replay of the letter was applied, or changed nothing, after the backup.
  ///
  /// - Returns: whether it was there and not closed.
  package func resolveReplayed(_ letter: UUID128, at moment: Timestamp) throws(StoreError) -> Bool {
    try setState(of: letter, to: .resolved, from: [.open, .answered, .replaying], at: moment)
  }
}

private enum Statements {
  static let running = SQLText("SELECT letter_id FROM replays WHERE state = 'asked' OR state = 'published' ORDER BY id")
}
