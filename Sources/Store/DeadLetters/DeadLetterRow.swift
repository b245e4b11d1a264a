internal import Lifecycle

/// The columns of a dead letter, in the order in which they are read and written.
enum DeadLetterRow {
  /// How many ``columns`` there are: the index of the first one after them.
  static let count: Int32 = 26

  static let columns = """
    id, state, state_since, command, code, message, details, server_id, client_id, operation, attempt, actor, \
    received_at, last_seen_at, count, attempts, queue, exchange, routing_key, body, body_size, body_sha256, \
    properties, headers, same_message, edited_from
    """

  /// The same with the name of the table before each.
  static func columns(of table: String) -> String {
    columns.split(separator: ", ").map { "\(table).\($0)" }.joined(separator: ", ")
  }

  static func read(_ run: borrowing StatementRun) throws(StoreError) -> DeadLetter {
    DeadLetter(
      id: try run.uuid(0), state: try run.name(1), stateSince: run.moment(2), command: run.text(3),
      code: try run.name(4), message: run.text(5), details: run.text(6),
      serverID: run.optionalInteger(7).map(ServerID.init), clientID: run.optionalInteger(8).map(ClientID.init),
      operation: run.optionalText(9), attempt: run.optionalInteger(10).map { Int($0) }, actor: run.optionalText(11),
      receivedAt: run.moment(12), lastSeenAt: run.moment(13), count: Int(run.integer(14)),
      attempts: Int(run.integer(15)), queue: run.text(16), exchange: run.text(17), routingKey: run.text(18),
      body: run.bytes(19), bodySize: Int(run.integer(20)), bodySHA256: run.bytes(21), properties: run.text(22),
      headers: run.text(23), sameMessage: run.bytes(24), editedFrom: run.optionalUUID(25))
  }

  static func bind(_ letter: DeadLetter, to run: inout StatementRun) {
    run.bind(letter.id)
    run.bind(letter.state)
    run.bind(letter.stateSince)
    run.bind(letter.command)
    run.bind(letter.code)
    run.bind(letter.message)
    run.bind(letter.details)
    run.bind(letter.serverID)
    run.bind(letter.clientID)
    run.bind(letter.operation)
    run.bind(letter.attempt.map { Int64($0) })
    run.bind(letter.actor)
    run.bind(letter.receivedAt)
    run.bind(letter.lastSeenAt)
    run.bind(letter.count)
    run.bind(letter.attempts)
    run.bind(letter.queue)
    run.bind(letter.exchange)
    run.bind(letter.routingKey)
    run.bind(letter.body)
    run.bind(letter.bodySize)
    run.bind(letter.bodySHA256)
    run.bind(letter.properties)
    run.bind(letter.headers)
    run.bind(letter.sameMessage)
    run.bind(letter.editedFrom)
  }
}
