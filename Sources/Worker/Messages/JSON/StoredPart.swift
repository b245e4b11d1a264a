import Lifecycle

/// An object that Ostler wrote and reads again.
struct StoredPart {
  let what: String
  let fields: [Detail.Field]

  init(_ what: String, _ bytes: [UInt8], maxDepth: Int = JSONReader.maxDepth) throws(JSONFault) {
    try self.init(what, try JSONReader.document(bytes, maxDepth: maxDepth))
  }

  init(_ what: String, _ detail: Detail) throws(JSONFault) {
    guard case .fields(let fields) = detail else {
      throw JSONFault(offset: 0, message: "A stored \(what) is not a JSON object.")
    }
    self.what = what
    self.fields = fields
  }

  subscript(name: String) -> Detail? { fields.first { $0.name == name }?.value }

  func text(_ name: String) throws(JSONFault) -> String {
    guard case .text(let text)? = self[name] else { throw fault(name) }
    return text
  }

  func integer(_ name: String) throws(JSONFault) -> Int64 {
    guard case .integer(let number)? = self[name] else { throw fault(name) }
    return number
  }

  func list(_ name: String) throws(JSONFault) -> [Detail] {
    guard case .list(let list)? = self[name] else { throw fault(name) }
    return list
  }

  func fault(_ name: String) -> JSONFault {
    JSONFault(offset: 0, message: "A stored \(what) has no valid \(name).")
  }
}
