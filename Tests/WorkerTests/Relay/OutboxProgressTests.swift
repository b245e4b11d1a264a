import Lifecycle
import Store
import Testing
import Worker

extension OutboxEvent {
  static func numbered(_ position: Int64, size: Int = 10) -> OutboxEvent {
    OutboxEvent(
      position: position, epoch: 1, at: Timestamp(milliseconds: position), routingKey: "a.b",
      content: .bytes([UInt8](repeating: 0, count: size)))
  }
}

@Suite struct OutboxProgressTests {
  @Test("A turn begins where the store is: what is in the outbox is not confirmed, what went before is")
  func begin() {
    let progress = OutboxProgress()
    progress.begin(newest: 10, firstUnmarked: 7)
    #expect(progress.state.value == .init(newest: 10, confirmed: 6, marked: 6))
    #expect(progress.state.value.pending == nil)
    progress.begin(newest: 10, firstUnmarked: nil)
    #expect(progress.state.value == .init(newest: 10, confirmed: 10, marked: 10))
  }

  @Test("What is confirmed is to be marked until it is")
  func pending() {
    let progress = OutboxProgress()
    progress.begin(newest: 3, firstUnmarked: 1)
    progress.confirmed(through: 2)
    #expect(progress.state.value.pending == 2)
    progress.confirmed(through: 3)
    progress.marked(through: 2)
    #expect(progress.state.value.pending == 3)
    progress.marked(through: 3)
    #expect(progress.state.value.pending == nil)
  }

  @Test("Nothing goes backwards, whichever of pipeline and relay comes first")
  func monotonic() {
    let progress = OutboxProgress()
    progress.begin(newest: 5, firstUnmarked: nil)
    progress.committed([.numbered(7), .numbered(9)])
    progress.confirmed(through: 8)
    progress.confirmed(through: 6)
    progress.marked(through: 8)
    progress.marked(through: 2)
    #expect(progress.state.value == .init(newest: 9, confirmed: 8, marked: 8))
  }

  @Test("A new turn forgets what the relay of the last one believed")
  func newTurn() {
    let progress = OutboxProgress()
    progress.begin(newest: 5, firstUnmarked: 1)
    progress.confirmed(through: 5)
    progress.begin(newest: 9, firstUnmarked: 4)
    #expect(progress.state.value == .init(newest: 9, confirmed: 3, marked: 3))
  }

  @Test("Another worker has the store: said of the turn that is, and not of one before")
  func fenced() {
    let progress = OutboxProgress()
    progress.begin(newest: 9, firstUnmarked: 3, turn: 2)
    progress.fenced(inTurn: 1)
    #expect(!progress.state.value.isFenced)
    progress.fenced(inTurn: 2)
    #expect(progress.state.value.isFenced && !progress.state.value.isDrained)
    progress.begin(newest: 9, firstUnmarked: 3, turn: 3)
    #expect(!progress.state.value.isFenced)
  }
}
