import Lifecycle
package import Store

/// A dead letter as one JSON object, with the fields of section 7 of the contract.
package enum DeadLetterDocument {
  package static func encode(_ letter: DeadLetter) -> [UInt8] { encode(letter) { _ in } }

  /// The same with more fields at the end.
  package static func encode(_ letter: DeadLetter, _ more: (inout JSONWriter) -> Void) -> [UInt8] {
    var json = JSONWriter(capacity: 1024 + letter.body.count * 4 / 3)
    json.beginObject()
    json.key("id")
    json.value(letter.id)
    json.key("state")
    json.value(letter.state.rawValue)
    json.key("command")
    json.value(letter.command)
    json.key("code")
    json.value(letter.code.rawValue)
    json.key("message")
    json.value(letter.message)
    json.key("details")
    json.verbatim(Array(letter.details.utf8))
    if let server = letter.serverID {
      json.key("serverId")
      json.value(server.rawValue)
    }
    if let client = letter.clientID {
      json.key("clientId")
      json.value(client.rawValue)
    }
    if let operation = letter.operation {
      json.key("operationUuid")
      json.value(operation)
    }
    if let actor = letter.actor {
      json.key("actor")
      json.value(actor)
    }
    json.key("receivedAt")
    json.value(letter.receivedAt)
    json.key("count")
    json.value(Int64(letter.count))
    json.key("attempts")
    json.value(Int64(letter.attempts))
    json.key("bodyBase64")
    json.value(Base64.encode(letter.body))
    if !letter.isReplayable {
      json.key("bodySize")
      json.value(Int64(letter.bodySize))
    }
    json.key("properties")
    json.verbatim(Array(letter.properties.utf8))
    json.key("headers")
    json.verbatim(Array(letter.headers.utf8))
    more(&json)
    json.endObject()
    return json.bytes
  }
}
