/// The header `traceparent` of W3C Trace Context, level 1.
package enum TraceParent {
  /// The header as an event may carry it on; `nil` for one that is malformed (section 3.2.2), which is dropped.
  ///
  /// Of a version after 00 the fields that are known are kept and written as version 00, with the one known flag, as
  /// section 3.2.4 has it.
  package static func validated(_ header: String?) -> String? {
    guard let header else { return nil }
    let bytes = Array(header.utf8.prefix(56))
    guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash, areDigits(bytes[0..<2]),
      areDigits(bytes[3..<35]), areDigits(bytes[36..<52]), areDigits(bytes[53..<55]),
      bytes[3..<35].contains(where: { $0 != zero }), bytes[36..<52].contains(where: { $0 != zero })
    else { return nil }
    let version = bytes[0..<2]
    if version.elementsEqual([zero, zero]) { return bytes.count == 55 ? header : nil }
    guard !version.elementsEqual([UInt8(ascii: "f"), UInt8(ascii: "f")]), bytes.count == 55 || bytes[55] == dash else {
      return nil
    }
    let isSampled = bytes[54] & 1 == (bytes[54] >= UInt8(ascii: "a") ? 0 : 1)
    return "00" + String(decoding: bytes[2..<53], as: UTF8.self) + (isSampled ? "01" : "00")
  }

  private static let dash = UInt8(ascii: "-")
  private static let zero = UInt8(ascii: "0")

  /// Lower-case hexadecimal digits only.
  private static func areDigits(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.allSatisfy { (zero...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
  }
}
