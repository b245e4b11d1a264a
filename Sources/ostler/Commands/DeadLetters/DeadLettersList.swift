import ArgumentParser
import Foundation
import Lifecycle
import Store
import Worker

/// `ostler dead-letters list`.
struct DeadLettersList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List dead letters, oldest first.",
    discussion: """
      Without --state those that somebody has to look at: open and replaying. All filters must match. With --json each line \
      is a whole letter, its body in base64.

        ostler dead-letters list
        ostler dead-letters list --older-than 1d --command allocate
        ostler dead-letters list --state answered --state resolved --server 4711
        ostler dl --json | jq -r .bodyBase64 | head -1 | base64 -d
      """
  )

  @OptionGroup var selection: DeadLetterSelection

  @Option(help: ArgumentHelp("At most so many.", valueName: "n"))
  var limit: Int?

  @OptionGroup var output: JSONOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard limit.map({ $0 >= 1 }) ?? true else { throw ValidationError("--limit is at least 1") }
  }

  func run() async throws {
    try await StoreAccess.read(common) { store in
      var table = TextTable([
        .init("ID"), .init("STATE"), .init("RECEIVED"), .init("COMMAND"), .init("SERVER", isNumber: true),
        .init("CLIENT", isNumber: true), .init("CODE"), .init("COUNT", isNumber: true), .init("MESSAGE"),
      ])
      var lines = StandardOutput()
      try await forEachLetter(in: store) { letter in
        if output.json {
          lines.line(utf8: DeadLetterDocument.encode(letter))
        } else {
          table.row([
            letter.id.description, letter.state.rawValue, letter.receivedAt.description, letter.command,
            letter.serverID?.description, letter.clientID?.description, letter.code.rawValue, String(letter.count),
            letter.message,
          ])
        }
      }
      lines.flush()
      table.finish()
      if !output.json, table.rowCount == 0 { Complaint.write("no dead letters match\n") }
    }
  }

  private func forEachLetter(in store: Store, _ body: (DeadLetter) -> Void) async throws {
    var rest = limit ?? .max
    var cursor: DeadLetterCursor?
    let filter = selection.filter
    repeat {
      let after = cursor
      let count = min(rest, 200)
      let page = try await store.read { (snapshot) throws(StoreError) in
        try snapshot.letters(matching: filter, after: after, limit: count)
      }
      for letter in page.letters { body(letter) }
      rest -= page.letters.count
      cursor = page.next
    } while cursor != nil && rest > 0
  }
}

/// A dead letter as one JSON object, with the fields of section 7 of the contract.
enum DeadLetterDocument {
  static func encode(_ letter: DeadLetter) -> [UInt8] {
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
    json.value(Data(letter.body).base64EncodedString())
    json.key("properties")
    json.verbatim(Array(letter.properties.utf8))
    json.key("headers")
    json.verbatim(Array(letter.headers.utf8))
    json.endObject()
    return json.bytes
  }
}
