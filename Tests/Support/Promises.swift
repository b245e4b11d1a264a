/// The two promises of every failure test, checked from outside: what a subscriber received against what the store says.
package enum Promises {
  /// What is broken, in words; empty when both promises hold.
  ///
  /// - Parameters:
  ///   - received: everything that a subscriber to all events received, in order, duplicates included. All that the
  ///     store has must have arrived.
  ///   - keys: how many different operation keys were confirmed to their publishers, none of them refused as a message.
  package static func broken(
    received: [EventRecord], store: StoreProbe, keys: Int? = nil
  ) throws -> [String] {
    var problems: [String] = []
    let story = once(received, &problems)
    problems += order(story)
    problems += try versions(story, store)
    problems += try quotaUse(store)
    if let keys { problems += try outcomes(store, keys) }
    return problems
  }

  /// Duplicates by id dropped; they must be the same, byte for byte.
  private static func once(_ received: [EventRecord], _ problems: inout [String]) -> [EventRecord] {
    var first: [String: EventRecord] = [:]
    var story: [EventRecord] = []
    for event in received {
      if let known = first[event.id] {
        if known.body != event.body || known.routingKey != event.routingKey {
          problems.append("event \(event.id) came again with other bytes")
        }
      } else {
        first[event.id] = event
        story.append(event)
      }
    }
    return story
  }

  /// Every position is an event: in commit order, without a gap.
  private static func order(_ story: [EventRecord]) -> [String] {
    var problems: [String] = []
    for (index, event) in story.enumerated() where event.position != Int64(index + 1) {
      problems.append("the event at place \(index + 1) has position \(event.position)")
      break
    }
    return problems
  }

  private static func versions(_ story: [EventRecord], _ store: StoreProbe) throws -> [String] {
    var problems: [String] = []
    var last: [String: EventRecord] = [:]
    for event in story where !event.isSnapshot && event.source.hasPrefix("/servers/") {
      let expected = (last[event.source]?.sequence ?? 0) + 1
      if event.sequence != expected {
        problems.append("\(event.source): version \(event.sequence ?? -1) where \(expected) comes next")
      }
      last[event.source] = event
    }
    var known: Set<String> = []
    for row in try store.rows("SELECT id, version, state FROM servers") {
      known.insert("/servers/\(row[0])")
      let told = last["/servers/\(row[0])"]
      if told?.sequence.map(String.init) != row[1] || told?.data.state.text != row[2] {
        problems.append("server \(row[0]): the store says \(row[1]) \(row[2]), the events \(String(describing: told))")
      }
    }
    for source in last.keys where !known.contains(source) { problems.append("\(source) is not in the store") }
    return problems
  }

  package static func quotaUse(_ store: StoreProbe) throws -> [String] {
    // Charged once for type and location, where it is on-demand also for the location and for the client.
    let live = """
      SELECT client_id, contract, location_id, instance_type_id, count(*) FROM (
        SELECT client_id, CASE quota_type WHEN 'commit' THEN contract_id ELSE '' END AS contract, location_id,
          instance_type_id FROM allocations WHERE ended_at IS NULL
        UNION ALL SELECT client_id, '', location_id, 0 FROM allocations
          WHERE ended_at IS NULL AND quota_type = 'onDemand'
        UNION ALL SELECT client_id, '', 0, 0 FROM allocations WHERE ended_at IS NULL AND quota_type = 'onDemand'
      ) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
      """
    let used = """
      SELECT client_id, contract_id, location_id, instance_type_id, used FROM quota_use WHERE used > 0
      ORDER BY 1, 2, 3, 4
      """
    let (expected, actual) = (try store.rows(live), try store.rows(used))
    return expected == actual ? [] : ["quota use is \(actual), the live allocations are \(expected)"]
  }

  /// In = out: every key has one outcome, told by one event; what was rejected is a letter too.
  private static func outcomes(_ store: StoreProbe, _ keys: Int) throws -> [String] {
    var problems: [String] = []
    let decided = try store.number("SELECT count(*) FROM (SELECT DISTINCT key, attempt FROM operations)")
    let rows = try store.number("SELECT count(*) FROM operations")
    if decided != keys { problems.append("\(keys) operations were confirmed, \(decided) have an outcome") }
    if rows != decided { problems.append("\(rows - decided) operations have two outcomes") }
    let letterless = try store.number(
      """
      SELECT count(*) FROM operations WHERE outcome = 'rejected' AND NOT EXISTS (
        SELECT 1 FROM dead_letters WHERE id = dead_letter_id)
      """)
    if letterless > 0 { problems.append("\(letterless) rejections have no letter") }
    let telling = try store.number(
      "SELECT count(*) FROM (SELECT event_position FROM operations GROUP BY event_position HAVING count(*) > 1 AND event_position IS NOT NULL)"
    )
    if telling > 0 { problems.append("\(telling) events tell of two operations") }
    return problems
  }
}
