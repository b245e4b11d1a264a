package import Lifecycle

/// The `error` of replies and of command events, as bytes that can be stored and put into either as they are.
package enum ErrorPart {
  package static func encode(_ rejection: Rejection) -> [UInt8] {
    var writer = JSONWriter(capacity: 512)
    writer.beginObject()
    writer.key("code")
    writer.value(rejection.code.rawValue)
    writer.key("message")
    writer.value(rejection.message)
    writer.key("retry")
    writer.value(rejection.code.retry.rawValue)
    writer.key("details")
    writer.value(rejection.details)
    writer.endObject()
    return writer.bytes
  }

  /// Reads what ``encode(_:)`` wrote.
  /// - Throws: ``JSONFault`` when the bytes are something else.
  package static func decode(_ bytes: [UInt8]) throws(JSONFault) -> Rejection {
    let part = try StoredPart("error", bytes)
    guard let code = RejectionCode(rawValue: try part.text("code")) else { throw part.fault("code") }
    guard case .fields(let details)? = part["details"] else { throw part.fault("details") }
    return Rejection(code, try part.text("message"), details: details)
  }
}
