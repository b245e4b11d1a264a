import Foundation
import Lifecycle
import Testing
import Worker

@Suite struct JSONWriterTests {
  @Test func escapes() throws {
    let scalars = (0..<0x300).compactMap(Unicode.Scalar.init) + ["\u{2028}", "\u{FFFF}", "𝄞"]
    let text = String(String.UnicodeScalarView(scalars))
    var writer = JSONWriter()
    writer.beginArray()
    writer.value(text)
    writer.endArray()
    #expect(try JSONSerialization.jsonObject(with: Data(writer.bytes)) as? [String] == [text])
    #expect(try JSONReader.document(writer.bytes) == .list([.text(text)]))
  }

  @Test func numbersAndNesting() throws {
    var writer = JSONWriter(capacity: 0)
    writer.beginObject()
    writer.key("n")
    writer.beginArray()
    for number in [0, 7, -7, 10, .max, .min] as [Int64] { writer.value(number) }
    writer.endArray()
    writer.key("o")
    writer.beginObject()
    writer.endObject()
    writer.key("a")
    writer.beginArray()
    writer.beginObject()
    writer.key("x".uppercased() + "\"")
    writer.null()
    writer.endObject()
    writer.verbatim([0x31])
    writer.value(true)
    writer.value(false)
    writer.sortable(42)
    writer.sortable(.max)
    writer.value("/x/", -5)
    writer.value("a", "b", "c")
    writer.value(UUID128(high: 1, low: 2))
    writer.value(Timestamp(milliseconds: 1))
    writer.endArray()
    writer.endObject()
    #expect(
      String(decoding: writer.bytes, as: UTF8.self)
        == #"{"n":[0,7,-7,10,9223372036854775807,-9223372036854775808],"o":{},"a":[{"X\"":null},1,true,false,"#
        + #""00000000000000000042","09223372036854775807","/x/-5","abc","00000000-0000-0001-0000-000000000002","#
        + #""1970-01-01T00:00:00.001Z"]}"#)
  }

  @Test func detailsComeBack() throws {
    let detail = Detail.fields([
      .init("a\"b", .list([.null, .boolean(false), .integer(.min), .text("é\n"), .fields([])])), .init("", .list([])),
    ])
    var writer = JSONWriter()
    writer.value(detail)
    #expect(try JSONReader.document(writer.bytes) == detail)
  }
}
