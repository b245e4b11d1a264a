/// What the AMQP properties `content-type` and `content-encoding` must say.
enum ContentHeader {
  static let allowedType = "absent, or application/json with at most the parameter charset=utf-8"
  static let allowedEncoding = "absent, utf-8 or identity"

  /// `application/json`, also with `charset=utf-8`, in any case (RFC 9110 section 8.3.1). An empty one counts as absent.
  static func isJSON(_ contentType: String?) -> Bool {
    guard let contentType, !contentType.isEmpty, contentType != "application/json" else { return true }
    let parts = contentType.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).map(trimmed)
    guard parts[0].lowercased() == "application/json" else { return false }
    guard parts.count == 2 else { return true }
    switch parts[1].lowercased() {
    case "charset=utf-8", "charset=\"utf-8\"": return true
    default: return false
    }
  }

  /// No coding that would have to be undone. An empty one counts as absent.
  static func isPlain(_ contentEncoding: String?) -> Bool {
    guard let contentEncoding, !contentEncoding.isEmpty else { return true }
    switch contentEncoding.lowercased() {
    case "utf-8", "identity": return true
    default: return false
    }
  }

  private static func trimmed(_ part: Substring) -> Substring {
    var part = part
    while let first = part.utf8.first, first == 0x20 || first == 0x09 { part.removeFirst() }
    while let last = part.utf8.last, last == 0x20 || last == 0x09 { part.removeLast() }
    return part
  }
}
