/// A method that the broker answers. Only one is under way at a time; the others wait their turn.
struct Request {
  /// For error messages: "declaring the queue x".
  let what: String
  let channel: UInt16
  /// It needs no open channel: it opens it.
  var opensChannel = false
  /// Ids of the methods that answer it.
  let answer: UInt32
  /// Encodes and sends it, when its turn has come.
  let send: (Session) throws(AMQPError) -> Void
  let finish: (Result<Reply, AMQPError>) -> Void
}

/// What an answer says, as far as anybody wants to know.
enum Reply {
  case done
  case queue(QueueState)
  case consumer(ConsumerTag)
  case messageCount(Int)
}

/// What `declareQueue` learns.
package struct QueueState: Sendable, Hashable {
  /// Chosen by the broker, where the name given was empty.
  package let name: String
  /// Ready messages (not those with consumers).
  package let messageCount: Int
  package let consumerCount: Int
}
