/// What the names of all exchanges and queues begin with (`amqp.namespace`).
package struct Namespace: Hashable, Sendable, CustomStringConvertible {
  package let rawValue: String
  /// Leaves room for the longest suffix in a name of 255 bytes (AMQP 0-9-1, short string).
  package static let maxLength = 100
  package static let standard = Namespace(unchecked: "server")

  /// `nil` unless 1...``maxLength`` letters, digits, `-`, `_`, `.`, with a letter or digit at both ends.
  ///
  /// Names that begin with `amq.` belong to the broker (AMQP 0-9-1, exchange.declare).
  package init?(_ text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard (1...Self.maxLength).contains(bytes.count), let first = bytes.first, let last = bytes.last,
      Self.isAlphanumeric(first), Self.isAlphanumeric(last),
      bytes.allSatisfy({
        Self.isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".")
      }),
      text != "amq", !text.hasPrefix("amq.")
    else { return nil }
    rawValue = String(text)
  }

  private init(unchecked text: String) { rawValue = text }

  package var description: String { rawValue }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
}
