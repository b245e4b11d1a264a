import AMQP
import Testing

@Suite
struct FieldTableTests {
  @Test("Keys are found, replaced in place and removed with their duplicates")
  func subscripts() {
    var table: FieldTable = ["a": 1, "b": "x", "a": true]
    #expect(table["a"] == .int64(1))
    #expect(table["c"] == nil)
    table["a"] = 2
    #expect(table == ["a": 2, "b": "x"])
    table["c"] = "y"
    #expect(table.entries.map(\.key) == ["a", "b", "c"])
    table["a"] = nil
    #expect(table == ["b": "x", "c": "y"])
  }

  @Test("Values are read as text or integer where they are")
  func views() {
    #expect(FieldValue.string("ü").text == "ü")
    #expect(FieldValue.string([0xFF]).text == nil)
    #expect(FieldValue.int8(-3).integer == -3)
    #expect(FieldValue.uint64(.max).integer == nil)
    #expect(FieldValue.double(1).integer == nil)
  }
}
