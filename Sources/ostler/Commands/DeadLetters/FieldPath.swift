import ArgumentParser
import Lifecycle
import Worker

/// The place of a field in a JSON object: names with dots between them.
struct FieldPath: ExpressibleByArgument, Hashable {
  let names: [String]

  var text: String { names.joined(separator: ".") }

  init?(argument: String) {
    names = argument.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard !argument.isEmpty, names.allSatisfy({ !$0.isEmpty }) else { return nil }
  }

  /// - Returns: whether it was there.
  func remove(from document: inout Detail) -> Bool { Self.change(&document, names[...], to: nil) }

  /// Objects on the way are made where there are none.
  ///
  /// - Returns: `false` where something on the way is no object.
  func set(_ value: Detail, in document: inout Detail) -> Bool { Self.change(&document, names[...], to: value) }

  private static func change(_ document: inout Detail, _ path: ArraySlice<String>, to value: Detail?) -> Bool {
    guard case .fields(var fields) = document, let name = path.first else { return false }
    let index = fields.firstIndex { $0.name == name }
    if path.count == 1 {
      switch (index, value) {
      case (let index?, let value?): fields[index] = Detail.Field(name, value)
      case (let index?, nil): fields.remove(at: index)
      case (nil, let value?): fields.append(Detail.Field(name, value))
      case (nil, nil): return false
      }
    } else {
      guard index != nil || value != nil else { return false }
      var inner = index.map { fields[$0].value } ?? .fields([])
      guard change(&inner, path.dropFirst(), to: value) else { return false }
      if let index { fields[index] = Detail.Field(name, inner) } else { fields.append(Detail.Field(name, inner)) }
    }
    document = .fields(fields)
    return true
  }
}

/// `path=value`: the value is JSON where it can be read as such, else text.
struct FieldAssignment: ExpressibleByArgument, Hashable {
  let path: FieldPath
  let value: Detail

  init?(argument: String) {
    guard let sign = argument.firstIndex(of: "="), let path = FieldPath(argument: String(argument[..<sign])) else {
      return nil
    }
    self.path = path
    let text = String(argument[argument.index(after: sign)...])
    value = (try? JSONReader.document(Array(text.utf8))) ?? .text(text)
  }
}
