import AMQP

/// Bringing a broker in line with the topology.
extension Topology {
  /// Creates what is missing; what is there as it should be is left alone.
  ///
  /// `warn` is told of what is wrong with optional objects. The connection's channel is open afterwards, also after an error
  /// that did not cost the connection.
  /// - Throws: `TopologyError`: `differs`, `notAllowed`, `unavailable`.
  package func declare(
    on connection: any DeclaringConnection, warn: (TopologyError) -> Void
  ) async throws(TopologyError) {
    for object in objects {
      do throws(AMQPError) {
        try await connection.declare(object)
      } catch {
        let failure = Self.failure(error, object)
        if error.isConnectionLost { throw failure }
        do throws(AMQPError) { try await connection.openChannel() } catch { throw Self.failure(error, object) }
        switch failure.code {
        case .differs where isOptional(object), .missing where isOptional(object): warn(failure)
        // Declared a moment ago, and gone: the broker is still deleting it (seen on 4.0, which ends a subscription before
        // it forgets the queue). It passes.
        case .missing: throw TopologyError(.unavailable, failure.message, cause: error)
        case .differs, .notAllowed, .unavailable: throw failure
        }
      }
    }
  }

  /// What does not exist, of the exchanges and queues: the protocol has no question for bindings and arguments that needs
  /// no right to configure.
  ///
  /// - Throws: `TopologyError`: `notAllowed`, `unavailable`.
  package func missing(on connection: any DeclaringConnection) async throws(TopologyError) -> [TopologyObject] {
    var missing: [TopologyObject] = []
    for object in objects {
      do throws(AMQPError) {
        try await connection.find(object)
      } catch {
        guard !error.isConnectionLost else { throw Self.failure(error, object) }
        do throws(AMQPError) { try await connection.openChannel() } catch { throw Self.failure(error, object) }
        guard error.code == .notFound else { throw Self.failure(error, object) }
        missing.append(object)
      }
    }
    return missing
  }

  /// Creates nothing.
  ///
  /// - Throws: `TopologyError`: `missing` with the list of what does not exist, `notAllowed`, `unavailable`.
  package func verify(
    on connection: any DeclaringConnection, warn: (TopologyError) -> Void
  ) async throws(TopologyError) {
    let missing = try await missing(on: connection)
    let needed = missing.filter { !isOptional($0) }
    for object in missing where isOptional(object) {
      warn(TopologyError(.missing, "\(object) does not exist: events are not kept by the broker"))
    }
    guard needed.isEmpty else {
      throw TopologyError(
        .missing,
        "the broker lacks \(needed.map(\.description).joined(separator: ", ")); amqp.topology is verify, so nothing was "
          + "created: run 'ostler topology' as a user who may configure, or set amqp.topology to declare")
    }
  }

  private static func failure(_ error: AMQPError, _ object: TopologyObject) -> TopologyError {
    switch error.code {
    case .preconditionFailed:
      if let difference = error.cause.flatMap({ Inequivalence(brokerText: $0) }) {
        return TopologyError(
          .differs,
          "\(object): \(difference.argument) is \(difference.found) on the broker, expected \(difference.expected); delete "
            + "the object (an empty queue loses nothing) so that it is created anew, or take another amqp.namespace",
          cause: error)
      }
      return TopologyError(
        .differs, "\(object): the broker has it with other properties (\(error.cause ?? error.message))", cause: error)
    case .accessRefused, .notAllowed:
      return TopologyError(
        .notAllowed,
        "\(object): the broker does not allow it (\(error.cause ?? error.message)); the user of amqp.uri needs the "
          + "permission to configure it, or everything in place and amqp.topology set to verify",
        cause: error)
    case .notFound:
      return TopologyError(.missing, "\(object): \(error.cause ?? error.message)", cause: error)
    case .resourceLocked:
      return TopologyError(
        .differs, "\(object): another connection has it for itself (\(error.cause ?? error.message))", cause: error)
    case .invalidURI, .invalidArgument, .connectFailed, .tlsFailed, .authenticationFailed, .brokerTrouble,
      .connectionClosed, .channelClosed, .heartbeatTimeout, .timedOut, .protocolViolation, .closedByUs, .cancelled:
      return TopologyError(.unavailable, "\(object): \(error)", cause: error)
    }
  }
}
