/// The text of one statement. Its identity, not its spelling, is the key under which a connection keeps it prepared,
/// so each is a `static let` next to the function that runs it.
final class SQLText: Sendable {
  let text: String
  init(_ text: String) { self.text = text }
}
