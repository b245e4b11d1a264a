package import AMQP
import Synchronization

/// The addresses of `amqp.uri`, the one that took us in last before the others: an address that says nothing costs ten
/// seconds each time, and every connection of the worker would pay them.
package final class BrokerAddresses: Sendable {
  private let order: Mutex<[BrokerURI]>

  /// - Precondition: there is one.
  package init(_ uris: [BrokerURI]) {
    precondition(!uris.isEmpty)
    order = Mutex(uris)
  }

  /// In the order in which they are tried.
  package var inTurn: [BrokerURI] { order.withLock { $0 } }

  /// Tries all of them in turn.
  ///
  /// - Throws: what ``Connection/open(_:)`` does.
  package func open(_ connection: any BrokerConnection) async throws(AMQPError) {
    tookUsIn(try await connection.open(inTurn))
  }

  package func tookUsIn(_ uri: BrokerURI) {
    order.withLock { order in
      guard let index = order.firstIndex(of: uri) else { return }
      order.insert(order.remove(at: index), at: 0)
    }
  }
}
