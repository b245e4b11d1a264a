import AMQP
import Testing
import Worker

@Suite struct BrokerAddressesTests {
  @Test("The address that took us in last is tried first, the others stay in their order")
  func order() throws {
    let uris = try ["a", "b", "c"].map { try BrokerURI("amqp://\($0)") }
    let addresses = BrokerAddresses(uris)
    #expect(addresses.inTurn == uris)
    addresses.tookUsIn(uris[2])
    #expect(addresses.inTurn == [uris[2], uris[0], uris[1]])
    addresses.tookUsIn(uris[2])
    addresses.tookUsIn(uris[1])
    #expect(addresses.inTurn == [uris[1], uris[2], uris[0]])
  }
}
