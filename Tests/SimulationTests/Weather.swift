import Lifecycle
import TestSupport

/// What may go wrong in one run, and how often: each seed has some of it and not all, because troubles hide one another.
struct Weather {
  enum Disturbance: Int, CaseIterable {
    case crash, stop, freeze, thaw, cut, giveUp, closeChannel, cancelConsumer, restartBroker, alarm, stall
    case storeTrouble, jump, replay, expire, secondWorker
  }

  /// How likely each is, against the others; 0 is never.
  var weights: [Int]
  /// One step in so many is a disturbance.
  var disturbanceEvery: Int
  /// One step in so many, senders send.
  var sendEvery: Int
  /// One publish in so many is refused; 0: none.
  var nack = 0
  var returned = 0
  /// One publish in so many ends before all is written.
  var stopsShort = 0
  /// One commit in so many fails by itself.
  var commitFails = 0
  var hasPoison = false
  /// How long it lasts, in steps.
  var steps: Int
  var orders: Int

  init(using random: inout SeededRandom) {
    func oneIn(_ count: Int) -> Bool { Int.random(in: 0..<count, using: &random) == 0 }
    weights = Disturbance.allCases.map { _ in oneIn(2) ? 0 : Int.random(in: 1...6, using: &random) }
    if oneIn(8) { weights = weights.map { _ in 0 } }
    disturbanceEvery = Int.random(in: 12...80, using: &random)
    sendEvery = Int.random(in: 8...40, using: &random)
    if oneIn(3) { nack = Int.random(in: 4...40, using: &random) }
    if oneIn(4) { returned = Int.random(in: 2...20, using: &random) }
    if oneIn(4) { stopsShort = Int.random(in: 2...6, using: &random) }
    if oneIn(4) { commitFails = Int.random(in: 4...30, using: &random) }
    hasPoison = oneIn(6)
    steps = Int.random(in: 200...900, using: &random)
    orders = Int.random(in: 8...36, using: &random)
  }

  func weight(of disturbance: Disturbance) -> Int { weights[disturbance.rawValue] }

  mutating func set(_ disturbance: Disturbance, _ weight: Int) { weights[disturbance.rawValue] = weight }

  func disturbance(using random: inout SeededRandom) -> Disturbance? {
    let total = weights.reduce(0, +)
    guard total > 0 else { return nil }
    var rest = Int.random(in: 0..<total, using: &random)
    for disturbance in Disturbance.allCases {
      rest -= weight(of: disturbance)
      if rest < 0 { return disturbance }
    }
    return nil
  }

  /// Nothing goes wrong any more.
  mutating func clear() {
    weights = weights.map { _ in 0 }
    (nack, returned, stopsShort, commitFails) = (0, 0, 0, 0)
  }
}
