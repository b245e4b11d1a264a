/// A binding key of a topic exchange: words between dots, `*` for one word, `#` for any number of them
/// (AMQP 0-9-1, section 3.1.3.3).
package struct TopicPattern {
  package let text: String
  private let words: [Substring]
  /// As a short string of the protocol.
  static let maxBytes = 255

  /// `nil` when it is too long.
  package init?(_ text: String) {
    guard text.utf8.count <= Self.maxBytes else { return nil }
    self.text = text
    words = text.split(separator: ".", omittingEmptySubsequences: false)
  }

  /// Whether a message with that routing key would be delivered.
  package func matches(_ routingKey: String) -> Bool {
    let key = routingKey.split(separator: ".", omittingEmptySubsequences: false)
    // reachable[i]: the words of the pattern so far can stand for the first i words of the key.
    var reachable = [Bool](repeating: false, count: key.count + 1)
    reachable[0] = true
    for word in words {
      var next = [Bool](repeating: false, count: key.count + 1)
      if word == "#" {
        var isReachable = false
        for index in reachable.indices {
          isReachable = isReachable || reachable[index]
          next[index] = isReachable
        }
      } else {
        for index in key.indices where reachable[index] && (word == "*" || word == key[index]) {
          next[index + 1] = true
        }
      }
      reachable = next
    }
    return reachable[key.count]
  }
}
