import Testing
import Worker

@Suite struct RelayWindowTests {
  @Test("A refusal while a publish is under way that wrote fewer than were launched: the numbers go on where it ended")
  func restartedWhilePublishing() {
    var window = RelayWindow(capacity: 10)
    window.launch(1...5)
    #expect(window.nacked(2, multiple: false) == .restart)
    window.restart()
    // The publish that was under way returns: three of the five were written, as sequence numbers 1 to 3.
    window.goesOn(at: 4)
    #expect(window.confirmed(3, multiple: true) == .advanced(through: nil))
    window.launch(1...5)
    #expect(window.confirmed(4, multiple: false) == .advanced(through: 1))
    #expect(window.confirmed(8, multiple: true) == .advanced(through: 5))
    #expect(window.isEmpty)
  }

  @Test func confirmsInOrderAdvance() {
    var window = RelayWindow(capacity: 10)
    window.launch([101, 102, 103])
    #expect(window.confirmed(1, multiple: false) == .advanced(through: 101))
    #expect(window.confirmed(3, multiple: true) == .advanced(through: 103))
    #expect(window.isEmpty)
  }

  @Test func aConfirmThatOvertakesWaitsForThoseBeforeIt() {
    var window = RelayWindow(capacity: 10)
    window.launch([101, 102, 103])
    #expect(window.confirmed(3, multiple: false) == .advanced(through: nil))
    #expect(window.confirmed(2, multiple: false) == .advanced(through: nil))
    #expect(window.inFlight == 3)
    #expect(window.confirmed(1, multiple: false) == .advanced(through: 103))
  }

  @Test func aNackRestartsAndLateConfirmsOfTheGivenUpCountNoMore() {
    var window = RelayWindow(capacity: 10)
    window.launch([101, 102])
    #expect(window.nacked(1, multiple: false) == .restart)
    window.restart()
    #expect(window.isEmpty && window.room == 10)
    window.launch([101, 102])
    #expect(window.confirmed(2, multiple: true) == .advanced(through: nil))
    #expect(window.nacked(2, multiple: true) == .advanced(through: nil))
    #expect(window.confirmed(4, multiple: true) == .advanced(through: 102))
  }

  @Test func aConfirmTwiceIsCountedOnce() {
    var window = RelayWindow(capacity: 10)
    window.launch([101, 102])
    #expect(window.confirmed(1, multiple: false) == .advanced(through: 101))
    #expect(window.confirmed(1, multiple: false) == .advanced(through: nil))
    #expect(window.confirmed(1, multiple: true) == .advanced(through: nil))
    #expect(window.inFlight == 1)
  }

  @Test func whatWasNotWrittenIsTakenBack() {
    var window = RelayWindow(capacity: 10)
    window.launch([101, 102, 103])
    window.takeBack(2)
    window.launch([102])
    #expect(window.confirmed(2, multiple: true) == .advanced(through: 102))
  }

  @Test func confirmsOfNothingLaunchedChangeNothing() {
    var window = RelayWindow(capacity: 10)
    #expect(window.confirmed(1, multiple: true) == .advanced(through: nil))
    #expect(window.nacked(7, multiple: false) == .advanced(through: nil))
  }

  /// In whatever order the broker confirms, the window advances through every position once, in order.
  @Test(arguments: 0..<30 as Range<UInt64>) func anyOrderOfConfirmsAdvancesThroughAll(seed: UInt64) {
    var random = SplitMix64(state: seed)
    var window = RelayWindow(capacity: 6000)
    var open: [UInt64] = []
    var last: Int64 = 0
    var launched: Int64 = 0
    for step in 1...6000 as ClosedRange<Int64> {
      window.launch([step])
      launched = step
      open.append(UInt64(step))
      while open.count > 20 || (!open.isEmpty && Int.random(in: 0..<3, using: &random) == 0) {
        let index = Int.random(in: 0..<open.count, using: &random)
        let sequence = open[index]
        let multiple = Int.random(in: 0..<4, using: &random) == 0
        open = multiple ? open.filter { $0 > sequence } : open.filter { $0 != sequence }
        if case .advanced(let through?) = window.confirmed(sequence, multiple: multiple) {
          #expect(through > last, "seed \(seed)")
          last = through
        }
        #expect(window.inFlight == Int(launched - last), "seed \(seed)")
      }
    }
    if case .advanced(let through?) = window.confirmed(UInt64(launched), multiple: true) { last = through }
    #expect(last == launched && window.isEmpty, "seed \(seed)")
  }
}
