import Foundation
import Lifecycle
import Testing
import Worker

/// Values that the tests of events and replies share, and a way to read what was written.
enum Written {
  static let start = Timestamp(milliseconds: 1_795_452_727_123)
  static let id = UUID128(high: 0x0191_d6e2_7b1a_7c3e, low: 0x9f40_0123_4567_89ab)
  static let idText = "0191d6e2-7b1a-7c3e-9f40-0123456789ab"
  static let store = UUID128(high: 0x1111_1111_2222_4333, low: 0x8444_5555_5555_5555)
  static let place = EventPlace(storeID: store, epoch: 2, position: 1234, time: start)
  static let facts = OperationFacts(command: .isolate, operation: idText, actor: "ops")

  static func server(_ state: ServerState, name: String? = "rack \"1\"", reason: String? = nil) -> Server {
    Server(
      id: ServerID(42), version: 7, enrolledAtVersion: 1, name: name, locationID: LocationID(18),
      instanceTypeID: InstanceTypeID(126), state: state, previousState: .available, reason: reason, changedAt: start)
  }

  static func allocation(contract: ContractID? = ContractID("JD-1"), end: AllocationEnd? = nil) -> Allocation {
    Allocation(
      id: id, serverID: ServerID(42), clientID: ClientID(9), contractID: contract, quotaType: .commit,
      locationID: LocationID(18), instanceTypeID: InstanceTypeID(126), startedAt: start, end: end)
  }

  /// What Foundation reads.
  static func object(_ bytes: [UInt8]) throws -> NSDictionary {
    try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? NSDictionary)
  }

  static func object(_ json: String) throws -> NSDictionary { try object(Array(json.utf8)) }

  /// Compares as JSON, and asks our own reader too.
  static func expect(
    _ bytes: [UInt8], is json: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try object(bytes) == object(json), sourceLocation: sourceLocation)
    #expect(throws: Never.self, sourceLocation: sourceLocation) { try JSONReader.document(bytes) }
  }
}
