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
