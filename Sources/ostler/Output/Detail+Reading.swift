import Lifecycle

extension Detail {
  /// The field of that name, where this is an object that has it.
  subscript(name: String) -> Detail? {
    guard case .fields(let fields) = self else { return nil }
    return fields.first { $0.name == name }?.value
  }

  var text: String? { if case .text(let text) = self { text } else { nil } }
  var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
  var boolean: Bool? { if case .boolean(let flag) = self { flag } else { nil } }
  var list: [Detail]? { if case .list(let list) = self { list } else { nil } }

  /// The value for people: texts without quotation marks, objects as `name value` pairs.
  var plain: String {
    switch self {
    case .null: "none"
    case .boolean(let flag): String(flag)
    case .integer(let number): String(number)
    case .text(let text): PlainText.clean(text)
    case .list(let list): list.map(\.plain).joined(separator: ", ")
    case .fields(let fields): fields.map { "\(PlainText.clean($0.name)) \($0.value.plain)" }.joined(separator: ", ")
    }
  }
}
