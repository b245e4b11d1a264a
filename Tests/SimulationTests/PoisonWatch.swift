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

  /// After a transaction: how often it stands noted.
  mutating func noted(_ times: Int) {
    isNoted = isInHand && isToBeNoted && times > self.times
    self.times = times
  }

  var kills: Bool { isInHand && (isToBeNoted ? isNoted && times <= Self.maxCrashes : true) }
}
