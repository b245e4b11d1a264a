import Lifecycle

extension Detail {
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
