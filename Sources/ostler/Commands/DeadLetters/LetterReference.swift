import ArgumentParser
import Lifecycle
import Store

/// A dead letter as a person names it: its id, or the first digits of it.
struct LetterReference: ExpressibleByArgument, Hashable {
  /// Hexadecimal digits, lower case, with or without dashes.
  let text: String

  init?(argument: String) {
    let digits = argument.filter { $0 != "-" }
    guard (1...32).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
    text = argument.lowercased()
  }

  /// The one letter that is meant.
  ///
  /// - Throws: `CommandFailure` with status 1 where there is none, or more than one.
  func resolve(in store: Store) async throws -> UUID128 {
    let text = text
    if let whole = UUID128(text) {
      let exists = try await store.read { (snapshot) throws(StoreError) in try snapshot.letter(whole) != nil }
      guard exists else { throw unknown }
      return whole
    }
    let found = try await store.read { (snapshot) throws(StoreError) in
      try snapshot.letterIDs(beginningWith: text, limit: Self.maxTold + 1)
    }
    switch found.count {
    case 0: throw unknown
    case 1: return found[0]
    default:
      let some = found.prefix(Self.maxTold).map { "\n  \($0)" }.joined()
      throw CommandFailure(
        .refused,
        "'\(text)' is the beginning of more than one dead letter; add digits:\(some)"
          + (found.count > Self.maxTold ? "\n  …" : ""))
    }
  }

  private static let maxTold = 5

  private var unknown: CommandFailure {
    CommandFailure(
      .refused,
      "there is no dead letter '\(text)'; 'ostler dl list' shows those there are (settled ones are forgotten after "
        + "deadLetters.retention)")
  }
}

extension [LetterReference] {
  /// All of them, each once, in the order in which they were named. One that is not there fails all.
  func resolve(in store: Store) async throws -> [UUID128] {
    var ids: [UUID128] = []
    var seen: Set<UUID128> = []
    for reference in self {
      let id = try await reference.resolve(in: store)
      if seen.insert(id).inserted { ids.append(id) }
    }
    return ids
  }
}

extension UUID128 {
  /// What people read and type: the first eight digits.
  var short: String { String(description.prefix(8)) }
}

extension Store {
  /// - Throws: `CommandFailure` where the letter has gone meanwhile.
  func letter(_ id: UUID128) async throws -> DeadLetter {
    let letter = try await read { (snapshot) throws(StoreError) in try snapshot.letter(id) }
    guard let letter else { throw CommandFailure(.refused, "the dead letter \(id) is gone: it has been pruned") }
    return letter
  }
}
