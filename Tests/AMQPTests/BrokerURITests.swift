import AMQP
import Testing

@Suite
struct BrokerURITests {
  @Test(
    "Addresses are read",
    arguments: [
      ("amqp://localhost", "localhost", 5672, "guest", "guest", "/", false),
      ("amqps://broker.example", "broker.example", 5671, "guest", "guest", "/", true),
      ("amqp://u:p@h:1234/v", "h", 1234, "u", "p", "v", false),
      ("amqp://u@h/", "h", 5672, "u", "guest", "/", false),
      ("amqp://us%3Aer:p%40ss%2Fword%2C@h/%2F", "h", 5672, "us:er", "p@ss/word,", "/", false),
      ("amqp://u:@[::1]:99/a%2Fb", "::1", 99, "u", "", "a/b", false),
      ("amqp://%C3%BC:p:q@h", "h", 5672, "ü", "p:q", "/", false),
    ])
  func reads(
    text: String, host: String, port: Int, user: String, password: String, virtualHost: String, usesTLS: Bool
  ) throws {
    let uri = try BrokerURI(text)
    #expect(uri.host == host)
    #expect(uri.port == port)
    #expect(uri.user == user)
    #expect(uri.password == password)
    #expect(uri.virtualHost == virtualHost)
    #expect(uri.usesTLS == usesTLS)
  }

  @Test(
    "What is not an address is refused, without quoting it",
    arguments: [
      "", "localhost", "http://h", "amqp://", "amqp://u:secret@", "amqp://u:secret@h:0", "amqp://u:secret@h:65536",
      "amqp://u:secret@h:x", "amqp://u:secret@h/a/b", "amqp://u:secret@h?heartbeat=1", "amqp://u:secret%@h",
      "amqp://u:secret%zz@h", "amqp://u:secret%00@h", "amqp://u:secret%FF@h", "amqp://u:secret@[::1",
      "amqp://u:s/ecret@h",
    ])
  func refuses(text: String) {
    let error = #expect(throws: AMQPError.self) { try BrokerURI(text) }
    #expect(error?.code == .invalidURI)
    #expect(error?.description.contains("secret") == false)
  }

  @Test("A list is separated by commas, and its errors say which")
  func lists() throws {
    let uris = try BrokerURI.parseList("amqp://a, amqps://b:7 ,amqp://u:x%2Cy@c")
    #expect(uris.map(\.host) == ["a", "b", "c"])
    #expect(uris[2].password == "x,y")
    let error = #expect(throws: AMQPError.self) { try BrokerURI.parseList("amqp://a,,amqp://b") }
    #expect(error?.message.contains("address 2") == true)
  }

  @Test("The description has no password and reads back")
  func describes() throws {
    let uri = try BrokerURI("amqp://u%40x:secret@[::1]:5/a%2Fb")
    #expect(uri.description == "amqp://u%40x:***@[::1]:5/a%2Fb")
    #expect(try BrokerURI(uri.description).virtualHost == "a/b")
  }
}
