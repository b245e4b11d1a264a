/// What an error tells beside its message: a JSON value whose fields keep the order they were given in.
package indirect enum Detail: Hashable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  case text(String)
  case list([Detail])
  case fields([Field])

  package struct Field: Hashable, Sendable {
    package let name: String
    package let value: Detail
    package init(_ name: String, _ value: Detail) {
      self.name = name
      self.value = value
    }
  }
}

/// Reading what is expected to be there; `nil` where it is not, or is something else.
extension Detail {
  /// The field of that name, where this is an object that has it.
  package subscript(name: String) -> Detail? {
    guard case .fields(let fields) = self else { return nil }
    return fields.first { $0.name == name }?.value
  }

  package var text: String? { if case .text(let text) = self { text } else { nil } }
  package var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
  package var boolean: Bool? { if case .boolean(let flag) = self { flag } else { nil } }
  package var list: [Detail]? { if case .list(let list) = self { list } else { nil } }
}
