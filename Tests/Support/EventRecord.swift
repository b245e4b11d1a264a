/// An event as a subscriber reads it.
package struct EventRecord: Sendable, Hashable {
  package let routingKey: String
  package let body: [UInt8]
  package let json: JSONNode

  package init(routingKey: String, body: [UInt8]) throws {
    self.routingKey = routingKey
    self.body = body
    json = try JSONNode(body)
  }

  package var id: String { json.id.text ?? "" }
  /// The event's name: `allocated`, `rejected`, `set`.
  package var name: String { (json.type.text ?? "").split(separator: ".").dropFirst(2).first.map(String.init) ?? "" }
  package var source: String { json.source.text ?? "" }
  /// The version of the server, of a state event.
  package var sequence: Int64? { json.sequence.text.flatMap { Int64($0) } }
  package var position: Int64 { json.position.text.flatMap { Int64($0) } ?? 0 }
  package var time: String { json.time.text ?? "" }
  package var data: JSONNode { json.data }
  package var isSnapshot: Bool { name == "snapshot" || name == "snapshotCompleted" }
}
