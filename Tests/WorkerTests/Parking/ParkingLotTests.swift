import Lifecycle
import Testing
import Worker

@Suite struct ParkingLotTests {
  private typealias Lot = ParkingLot<String>
  private let server = ServerID(7)

  private func tickets(_ lot: Lot, _ id: ServerID) -> [String] { lot.waiting(for: id).map(\.payload) }

  @Test func whatComesLaterWaitsBehindOneThatWaitsForTheState() {
    var lot = Lot(limit: 10)
    lot.park("isolate", for: server, in: .isolate, reason: .state, deadline: .seconds(30))
    for name in CommandName.allCases {
      #expect(lot.blocks(name, for: server) == !name.overtakesParked, "\(name)")
      #expect(!lot.blocks(name, for: ServerID(8)))
    }
  }

  @Test func nothingWaitsBehindOneThatWaitsForItsVersion() {
    var lot = Lot(limit: 10)
    lot.park("isolate", for: server, in: .isolate, reason: .version, deadline: .seconds(30))
    for name in CommandName.allCases { #expect(!lot.blocks(name, for: server), "\(name)") }
  }

  @Test func theLimitIsPerQueueAndCountsThoseBehind() {
    var lot = Lot(limit: 2)
    lot.park("a", for: server, in: .isolate, reason: .state, deadline: .seconds(1))
    lot.park("b", for: server, in: .isolate, reason: .behind, deadline: .seconds(1))
    #expect(!lot.hasRoom(in: .isolate))
    #expect(lot.hasRoom(in: .unisolate))
    lot.remove(lot.waiting(for: server)[0].ticket, for: server)
    #expect(lot.hasRoom(in: .isolate))
    #expect(lot.count == 1)
  }

  @Test func aLimitOfNothingParksNothing() { #expect(!Lot(limit: 0).hasRoom(in: .isolate)) }

  @Test func arrivalOrderIsKeptWhileOthersLeave() {
    var lot = Lot(limit: 10)
    for name in ["a", "b", "c"] {
      lot.park(name, for: server, in: .isolate, reason: .behind, deadline: .seconds(1))
    }
    lot.remove(lot.waiting(for: server)[1].ticket, for: server)
    #expect(tickets(lot, server) == ["a", "c"])
    lot.keep(lot.waiting(for: server)[1].ticket, for: server, reason: .version)
    #expect(lot.waiting(for: server).map(\.reason) == [.behind, .version])
  }

  @Test func patienceEndsInTheOrderOfArrivalOverAllServers() {
    var lot = Lot(limit: 10)
    lot.park("late", for: ServerID(1), in: .isolate, reason: .state, deadline: .seconds(9))
    lot.park("first", for: ServerID(2), in: .isolate, reason: .state, deadline: .seconds(5))
    lot.park("second", for: ServerID(1), in: .isolate, reason: .behind, deadline: .seconds(5))
    #expect(lot.nextDeadline == .seconds(5))
    #expect(lot.overdue(at: .seconds(4)).isEmpty)
    #expect(lot.overdue(at: .seconds(5)).map(\.payload) == ["first", "second"])
    #expect(lot.overdue(at: .seconds(9)).map(\.payload) == ["late", "first", "second"])
  }

  @Test func anEmptyLotHasNoDeadline() {
    var lot = Lot(limit: 1)
    #expect(lot.nextDeadline == nil)
    lot.park("a", for: server, in: .isolate, reason: .state, deadline: .seconds(1))
    lot.remove(lot.waiting(for: server)[0].ticket, for: server)
    #expect(lot.isEmpty && lot.nextDeadline == nil && lot.overdue(at: .seconds(99)).isEmpty)
  }

  @Test func aCopyKeepsWhatTheOriginalLoses() {
    var lot = Lot(limit: 10)
    lot.park("a", for: server, in: .isolate, reason: .state, deadline: .seconds(1))
    let before = lot
    lot.remove(lot.waiting(for: server)[0].ticket, for: server)
    #expect(tickets(before, server) == ["a"])
  }
}
