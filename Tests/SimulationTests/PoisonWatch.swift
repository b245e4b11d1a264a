/// Follows the poisoned message through a worker's hands, to know when it would crash over it: between the note of it and
/// its transaction, or, where it is not noted, before the next transaction.
struct PoisonWatch {
  /// As the pipeline has it: then it is kept as a dead letter unread.
  static let maxCrashes = 3

  private var isInHand = false
  private var isToBeNoted = false
  private var times = 0
  private var isNoted = false

  mutating func hand(_ isToBeNoted: Bool) {
    isInHand = true
    self.isToBeNoted = isToBeNoted
  }

  /// The batch that it was in is over. A note of it may stand.
  mutating func drop() { isInHand = false }

  /// After a transaction: how often it stands noted.
  mutating func noted(_ times: Int) {
    if times == 0 {
      isNoted = false
    } else if isInHand && isToBeNoted && times > self.times {
      isNoted = true
    }
    self.times = times
  }

  var kills: Bool { isInHand && (isToBeNoted ? isNoted && times <= Self.maxCrashes : true) }
}
