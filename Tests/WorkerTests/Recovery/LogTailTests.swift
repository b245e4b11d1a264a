import Lifecycle
import Testing
import Worker

@Suite("What the end of the events log says")
struct LogTailTests {
  static let ours = UUID128(randomHigh: 1, randomLow: 1)
  static let other = UUID128(randomHigh: 2, randomLow: 2)

  /// An event as the worker publishes it, at a moment that follows from its position.
  static func event(
    _ position: Int64, epoch: Int64 = 1, of store: UUID128 = ours, _ event: Event? = nil
  ) -> (id: UUID128, body: [UInt8]) {
    let quota = QuotaEvent(
      key: QuotaKey(clientID: ClientID(7), locationID: LocationID(18), instanceTypeID: InstanceTypeID(126)),
      oldLimit: nil, newLimit: 1, facts: OperationFacts(command: .setQuota))
    let encoded = EventEncoder.encode(
      event ?? .quota(quota),
      at: EventPlace(
        storeID: store, epoch: epoch, position: position, time: Timestamp(milliseconds: 1_000_000 + position)))
    return (encoded.id, encoded.bytes)
  }

  private func message(_ event: (id: UUID128, body: [UInt8])) -> LogTail.Message {
    LogTail.Message(id: event.id, body: event.body)
  }

  private func end(_ storeID: UUID128, _ epoch: Int64, _ position: Int64) -> LogEnd {
    LogEnd(
      storeID: storeID, place: LogPlace(epoch: epoch, position: position),
      time: Timestamp(milliseconds: 1_000_000 + position))
  }

  @Test("events that were published again do not hide later ones")
  func republished() {
    let tail = LogTail([96, 97, 98, 99, 100, 95, 96].map { message(Self.event($0)) })
    #expect(tail.end == end(Self.ours, 1, 100))
    let restored = LogTail([(1, 500), (1, 900), (2, 700), (1, 690)].map { message(Self.event($0.1, epoch: $0.0)) })
    #expect(restored.end == end(Self.ours, 2, 700))
  }

  @Test("the store that wrote last is the one, whatever others wrote before")
  func stores() {
    let tail = LogTail([message(Self.event(900, of: Self.other)), message(Self.event(3))])
    #expect(tail.end == end(Self.ours, 1, 3))
  }

  @Test("what is no event of ours is passed over")
  func foreign() {
    let forged = LogTail.Message(
      id: EventID.make(storeID: Self.ours, epoch: 1, position: 1 << 40), body: Array("{}".utf8))
    let strange = LogTail.Message(id: nil, body: [0xFF, 0])
    #expect(LogTail([strange, forged]).end == nil)
    #expect(LogTail([]).end == nil)
    #expect(LogTail([message(Self.event(5)), forged, strange]).end == end(Self.ours, 1, 5))
  }

  @Test("an event is one only where its id is that of its place")
  func events() throws {
    let (_, body) = Self.event(5)
    let event = try #require(LoggedEvent(body))
    #expect(event.place == LogPlace(epoch: 1, position: 5))
    #expect(event.kind == .quota)
    let moved = String(decoding: body, as: UTF8.self).replacing("00000000000000000005", with: "00000000000000000006")
    #expect(LoggedEvent(Array(moved.utf8)) == nil)
    #expect(LoggedEvent(Array("[]".utf8)) == nil)
    let parts = try #require(EventID.parts(of: event.id))
    #expect((parts.epoch, parts.position) == (1, 5) && parts.fits(Self.ours) && !parts.fits(Self.other))
    #expect(EventID.parts(of: UUID128(randomHigh: 5, randomLow: 5)) == nil)
  }
}
