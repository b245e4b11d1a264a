/// The members of a JSON object as pieces of its text, found without the product's reader, and put together again in
/// other ways that mean the same (RFC 8259: white space, order of members, escapes).
struct JSONMembers {
  struct Member {
    /// With its quotation marks.
    var name: [UInt8]
    var value: [UInt8]
  }

  var members: [Member] = []

  /// Of a document that is known to be one well-formed object; `nil` where it is not.
  init?(_ bytes: [UInt8]) {
    var place = 0
    func skipSpace() {
      while place < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[place]) { place += 1 }
    }
    func take(_ byte: Character) -> Bool {
      skipSpace()
      guard place < bytes.count, bytes[place] == byte.asciiValue else { return false }
      place += 1
      return true
    }
    /// To the comma or brace that ends a value, or past the string that begins here.
    func piece(isName: Bool) -> [UInt8]? {
      skipSpace()
      let start = place
      var depth = 0
      var isString = false
      while place < bytes.count {
        let byte = bytes[place]
        if isString {
          if byte == UInt8(ascii: "\\") { place += 1 }
          if byte == UInt8(ascii: "\"") {
            isString = false
            if isName {
              place += 1
              return Array(bytes[start..<place])
            }
          }
        } else {
          switch byte {
          case UInt8(ascii: "\""): isString = true
          case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
          case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","):
            if depth == 0 {
              var value = bytes[start..<place]
              while let last = value.last, [0x20, 0x09, 0x0A, 0x0D].contains(last) { value.removeLast() }
              return Array(value)
            }
            if byte != UInt8(ascii: ",") { depth -= 1 }
          default: break
          }
        }
        place += 1
      }
      return nil
    }
    guard take("{") else { return nil }
    if take("}") { return }
    repeat {
      guard let name = piece(isName: true), take(":"), let value = piece(isName: false) else { return nil }
      members.append(Member(name: name, value: value))
    } while take(",")
    guard take("}") else { return nil }
  }

  /// The object with white space thrown in wherever it may stand.
  func text(_ dice: inout Dice) -> [UInt8] {
    var text: [UInt8] = []
    func put(_ piece: [UInt8], _ dice: inout Dice) {
      while dice.once(in: 3) { text.append([0x20, 0x09, 0x0A, 0x0D].randomElement(using: &dice) ?? 0x20) }
      text += piece
    }
    put(Array("{".utf8), &dice)
    for (index, member) in members.enumerated() {
      if index > 0 { put(Array(",".utf8), &dice) }
      put(member.name, &dice)
      put(Array(":".utf8), &dice)
      put(member.value, &dice)
    }
    put(Array("}".utf8), &dice)
    put([], &dice)
    return text
  }

  /// A string token with some of its characters written as escapes; any other token as it is.
  static func escaped(_ token: [UInt8], _ dice: inout Dice) -> [UInt8] {
    guard token.count >= 2, token.first == UInt8(ascii: "\"") else { return token }
    var text: [UInt8] = [UInt8(ascii: "\"")]
    var rest = token.dropFirst().dropLast()
    while let first = rest.first {
      if first == UInt8(ascii: "\\") {
        let length = rest.dropFirst().first == UInt8(ascii: "u") ? 6 : 2
        text += rest.prefix(length)
        rest = rest.dropFirst(length)
        continue
      }
      let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
      let character = rest.prefix(length)
      rest = rest.dropFirst(length)
      if dice.once(in: 4) {
        for unit in String(decoding: character, as: UTF8.self).utf16 {
          let digits = String(unit, radix: 16, uppercase: dice.once(in: 2))
          text += Array("\\u".utf8) + Array(String(repeating: "0", count: 4 - digits.count).utf8) + Array(digits.utf8)
        }
      } else {
        text += character
      }
    }
    return text + [UInt8(ascii: "\"")]
  }

  subscript(name: String) -> [UInt8]? {
    get { members.first { $0.name == Self.token(name) }?.value }
    set {
      members.removeAll { $0.name == Self.token(name) }
      if let newValue { members.append(Member(name: Self.token(name), value: newValue)) }
    }
  }

  static func token(_ text: String) -> [UInt8] { Array("\"\(text)\"".utf8) }
}
