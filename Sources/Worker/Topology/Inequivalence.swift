/// What the broker says of an object that is there with another argument, taken out of its text.
///
/// RabbitMQ has no fields for it (reply code 406):
/// `PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'a' in vhost '/': received '1000' but current is '5'`,
/// with `none` or `the value '5' of type 'long'` in some releases.
package struct Inequivalence: Hashable, Sendable {
  package let argument: String
  /// What we asked for; `none` where we did not.
  package let expected: String
  /// What is there; `none` where it has no such argument.
  package let found: String

  /// `nil` when the text says something else.
  package init?(brokerText: String) {
    guard let start = brokerText.firstRange(of: "inequivalent arg '") else { return nil }
    let rest = brokerText[start.upperBound...]
    guard let nameEnd = rest.firstIndex(of: "'"), let received = rest.firstRange(of: ": received "),
      let current = rest[received.upperBound...].firstRange(of: " but current is ")
    else { return nil }
    argument = String(rest[..<nameEnd])
    expected = Self.value(rest[received.upperBound..<current.lowerBound])
    found = Self.value(rest[current.upperBound...])
  }

  /// What stands between the first pair of quotes; the words themselves where there are none.
  private static func value(_ text: Substring) -> String {
    guard let open = text.firstIndex(of: "'") else {
      return String(text.prefix { $0 != "," && $0 != ";" }.drop { $0 == " " })
    }
    let rest = text[text.index(after: open)...]
    return rest.firstIndex(of: "'").map { String(rest[..<$0]) } ?? String(rest)
  }
}
