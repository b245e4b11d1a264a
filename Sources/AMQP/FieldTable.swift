/// A header or argument table: keys and values in the order of the wire, duplicates kept.
///
/// Keys are short strings: see ``ShortString``.
package struct FieldTable: Sendable, Hashable {
  package struct Entry: Sendable, Hashable {
    package var key: String
    package var value: FieldValue

    package init(key: String, value: FieldValue) {
      self.key = key
      self.value = value
    }
  }

  /// Tables and arrays inside one another, deeper than this, are cut on the way in and refused on the way out.
  package static let maxDepth = 64
  /// Values that are read of one table with all that is in it; what comes after them is cut.
  package static let maxValues = 16_384

  package var entries: [Entry]

  package init(_ entries: [Entry] = []) { self.entries = entries }

  package var isEmpty: Bool { entries.isEmpty }

  /// The first value of that key. Setting it replaces that one in its place and drops the key's duplicates; setting nil
  /// removes the key.
  package subscript(key: String) -> FieldValue? {
    get { entries.first { $0.key == key }?.value }
    set {
      guard let newValue else { return entries.removeAll { $0.key == key } }
      guard let index = entries.firstIndex(where: { $0.key == key }) else {
        return entries.append(Entry(key: key, value: newValue))
      }
      entries[index].value = newValue
      entries = entries.enumerated().filter { $0.offset <= index || $0.element.key != key }.map(\.element)
    }
  }
}

extension FieldTable: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, FieldValue)...) {
    entries = elements.map { Entry(key: $0.0, value: $0.1) }
  }
}

extension FieldTable {
  /// Bytes on the wire, with the leading length.
  /// - Throws: `invalidArgument` for a key over 255 bytes or nesting deeper than `maxDepth`.
  func encodedBytes(_ what: String) throws(AMQPError) -> Int {
    try encodedBytes(what, depth: 1)
  }

  private func encodedBytes(_ what: String, depth: Int) throws(AMQPError) -> Int {
    guard depth <= Self.maxDepth else {
      throw AMQPError(.invalidArgument, "\(what) nests tables deeper than \(Self.maxDepth)")
    }
    var bytes = 4
    for entry in entries {
      let keyBytes = ShortString.byteCount(entry.key)
      guard keyBytes <= ShortString.maxBytes else {
        throw AMQPError(
          .invalidArgument,
          "\(what) has a key of \(keyBytes) bytes (\(entry.key.prefix(40))…); \(ShortString.maxBytes) are allowed")
      }
      bytes += 1 + keyBytes
      bytes += try Self.encodedBytes(of: entry.value, what, depth: depth)
    }
    return bytes
  }

  private static func encodedBytes(of value: FieldValue, _ what: String, depth: Int) throws(AMQPError) -> Int {
    switch value {
    case .void: return 1
    case .boolean, .int8, .uint8: return 2
    case .int16, .uint16: return 3
    case .int32, .uint32, .float: return 5
    case .decimal: return 6
    case .int64, .uint64, .double, .timestamp: return 9
    case .string(let bytes), .byteArray(let bytes): return 5 + bytes.count
    case .table(let table): return 1 + (try table.encodedBytes(what, depth: depth + 1))
    case .array(let values):
      guard depth < maxDepth else {
        throw AMQPError(.invalidArgument, "\(what) nests arrays deeper than \(maxDepth)")
      }
      var bytes = 5
      for value in values { bytes += try encodedBytes(of: value, what, depth: depth + 1) }
      return bytes
    }
  }
}
