package import Lifecycle

/// A strict reader of JSON (RFC 8259) over UTF-8 bytes.
///
/// Foundation's readers find no duplicate names and round numbers; both change what a command means, so this one is
/// ours. It refuses: names given twice (also when one is spelled with escapes), bytes that are not UTF-8 (RFC 3629),
/// lone surrogates, control characters in strings, a byte order mark, anything after the value, and nesting deeper
/// than ``maxDepth``.
package enum JSONReader {
  /// The deepest nesting of arrays and objects that is read.
  package static let maxDepth = 32

  /// Reads a document that is one object.
  package static func object(_ bytes: [UInt8]) throws(JSONFault) -> JSONObject {
    var cursor = JSONCursor(bytes: bytes, maxDepth: maxDepth)
    let fields = try cursor.documentFields()
    return JSONObject(bytes: bytes, fields: fields)
  }

  /// Reads a whole document into a value. Numbers must be 64-bit integers. For what Ostler has written itself.
  package static func document(_ bytes: [UInt8], maxDepth: Int = maxDepth) throws(JSONFault) -> Detail {
    var cursor = JSONCursor(bytes: bytes, maxDepth: maxDepth)
    return try cursor.documentTree()
  }
}
