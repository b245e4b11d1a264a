/// The address of a broker: `amqp://user:password@host:port/vhost`, or `amqps://…` for TLS.
///
/// The rules are those of the RabbitMQ URI specification, with two differences: a bare trailing slash means the default
/// virtual host `/` (an empty name is practically never meant), and query parameters are refused.
/// Anything left out has its default: `guest:guest`, port 5672 (5671 with TLS), virtual host `/`.
package struct BrokerURI: Sendable, Hashable, CustomStringConvertible {
  package let usesTLS: Bool
  package let host: String
  package let port: Int
  package let user: String
  /// Secret. `description` has `***` in its place.
  package let password: String
  package let virtualHost: String

  package init(
    host: String, port: Int? = nil, user: String = "guest", password: String = "guest", virtualHost: String = "/",
    usesTLS: Bool = false
  ) throws(AMQPError) {
    self.usesTLS = usesTLS
    self.host = host
    self.port = port ?? (usesTLS ? 5671 : 5672)
    self.user = user
    self.password = password
    self.virtualHost = virtualHost
    guard !host.isEmpty else { throw Self.refusal("the host is missing") }
    guard (1...65535).contains(self.port) else { throw Self.refusal("the port must be 1 to 65535") }
    guard virtualHost.utf8.count <= 255 else { throw Self.refusal("the virtual host is longer than 255 bytes") }
    // They go to C as strings that end with a zero.
    guard ![host, user, password, virtualHost].contains(where: { $0.utf8.contains(0) }) else {
      throw Self.refusal("a zero byte (%00) is not allowed")
    }
  }

  /// Reads one address.
  /// - Throws: `invalidURI`; the message says what is wrong, without quoting the user's part of the address.
  package init(_ text: String) throws(AMQPError) {
    let usesTLS: Bool
    let rest: Substring
    if text.hasPrefix("amqp://") {
      usesTLS = false
      rest = text.dropFirst("amqp://".count)
    } else if text.hasPrefix("amqps://") {
      usesTLS = true
      rest = text.dropFirst("amqps://".count)
    } else {
      throw Self.refusal("it must begin with amqp:// or amqps://")
    }
    guard !rest.contains(where: { $0 == "?" || $0 == "#" }) else {
      throw Self.refusal("query parameters are not supported; a ? or # in a name or password is written %3F or %23")
    }
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    let authority = rest[..<slash]
    let path = rest[slash...].dropFirst()
    guard !path.contains("/") else { throw Self.refusal("a / in the virtual host is written %2F") }

    var user = "guest"
    var password = "guest"
    var address = authority
    if let at = authority.lastIndex(of: "@") {
      let credentials = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      user = try Self.decoded(credentials[0], "the user")
      if credentials.count > 1 { password = try Self.decoded(credentials[1], "the password") }
      address = authority[authority.index(after: at)...]
    }
    let (host, port) = try Self.hostAndPort(address)
    try self.init(
      host: host, port: port, user: user, password: password,
      virtualHost: path.isEmpty ? "/" : Self.decoded(path, "the virtual host"), usesTLS: usesTLS)
  }

  /// Reads a list separated by commas; white space around them does not matter. A comma inside a name or a password is
  /// written `%2C`.
  package static func parseList(_ text: String) throws(AMQPError) -> [BrokerURI] {
    var uris: [BrokerURI] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let trimmed = part.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed()
      do {
        uris.append(try BrokerURI(String(trimmed)))
      } catch {
        throw AMQPError(.invalidURI, "broker address \(uris.count + 1): \(error.message)")
      }
    }
    return uris
  }

  /// The address without its password.
  package var description: String {
    let literal = host.contains(":") ? "[\(host)]" : host
    return "\(usesTLS ? "amqps" : "amqp")://\(Self.encoded(user)):***@\(literal):\(port)/\(Self.encoded(virtualHost))"
  }

  private static func hostAndPort(_ text: Substring) throws(AMQPError) -> (String, Int?) {
    var host = text
    var portText: Substring?
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw refusal("an IPv6 address ends with ]") }
      host = text[text.index(after: text.startIndex)..<end]
      let after = text[text.index(after: end)...]
      guard after.isEmpty || after.hasPrefix(":") else { throw refusal("only a port may follow the IPv6 address") }
      if !after.isEmpty { portText = after.dropFirst() }
    } else if let colon = text.firstIndex(of: ":") {
      host = text[..<colon]
      portText = text[text.index(after: colon)...]
    }
    guard let portText else { return (try decoded(host, "the host"), nil) }
    guard portText.allSatisfy({ $0.isASCII && $0.isNumber }), let port = Int(portText) else {
      throw refusal("the port must be a number; a : or @ in a name or password is written %3A or %40")
    }
    return (try decoded(host, "the host"), port)
  }

  private static func decoded(_ text: Substring, _ what: String) throws(AMQPError) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }),
        let low = rest.popFirst().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue })
      else { throw refusal("in \(what), % must be followed by two hexadecimal digits (a plain % is written %25)") }
      bytes.append(UInt8(high * 16 + low))
    }
    guard let string = String(validating: bytes, as: UTF8.self) else { throw refusal("\(what) is not UTF-8") }
    return string
  }

  private static func encoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      let character = Character(Unicode.Scalar(byte))
      if character.isASCII, character.isLetter || character.isNumber || "-._~".contains(character) {
        result.append(character)
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return result
  }

  private static func refusal(_ reason: String) -> AMQPError {
    AMQPError(.invalidURI, "not a broker address like amqp://user:password@host:5672/vhost: \(reason)")
  }
}
