import CRabbitMQ
import Worker

@testable import AMQP

/// Content headers of the basic class (AMQP 0-9-1, section 2.3.5.2): property flags and properties as they are on the
/// wire, through librabbitmq's decoder and ours, and out again.
///
/// What is read stays within the bounds of ``FieldTable`` and says so when something was left out. What is written again
/// has exactly the length that was foretold, and reads back as the same; so do the texts that a letter keeps, in which no
/// secret is.
enum HeaderTarget {
  static func check(_ input: [UInt8]) throws(Violation) -> String {
    var dice = Dice(input)
    let wire = Wire()
    guard let raw = wire.decode(input, &dice) else { return "no header" }
    let (properties, extent) = withExtendedLifetime(wire) {
      var cache = StringCache()
      return (PropertiesDecoder.properties(raw, cache: &cache), RawExtent(raw))
    }
    try require(
      properties.headersWereCut == (extent.depth > FieldTable.maxDepth || extent.values > FieldTable.maxValues),
      "cut: \(properties.headersWereCut), with \(extent)")
    if let headers = properties.headers {
      let kept = measure(of: headers, depth: 1)
      try require(kept.depth <= FieldTable.maxDepth && kept.values <= FieldTable.maxValues, "kept \(kept)")
      try require(properties.headersWereCut || kept == extent, "kept \(kept) of \(extent)")
    }
    try checkText(properties)
    try checkWire(properties, &dice)
    return properties.headersWereCut ? "cut" : "whole"
  }

  // MARK: As text

  private static func checkText(_ properties: Properties) throws(Violation) {
    let text = TypedProperties.encode(properties)
    let (read, wereCut): (Properties, Bool)
    do throws(JSONFault) {
      (read, wereCut) = (try TypedProperties.decode(text), try TypedProperties.headersWereCut(text))
    } catch {
      throw Violation("what a letter keeps cannot be read: \(error.message) (byte \(error.offset))")
    }
    try require(wereCut == properties.headersWereCut, "a letter does not say that headers were cut, or says so falsely")
    try require(!(read.headers?.entries ?? []).contains { TypedProperties.isSecret($0.key) }, "a secret is kept")
    var again = TypedProperties.encode(read)
    if properties.headersWereCut {
      // Whether it was cut is not restored.
      again = .init(properties: text.properties, headers: again.headers)
    }
    try require(again == text, "what a letter keeps reads back as something else")
    let identities = [properties, read].map {
      MessageIdentity(queue: "q", properties: $0, bodySize: 3, bodySHA256: [1, 2, 3])
    }
    try require(properties.headersWereCut || identities[0] == identities[1], "a kept letter is another message")
  }

  // MARK: On the wire

  private static func checkWire(_ properties: Properties, _ dice: inout Dice) throws(Violation) {
    let size: Int
    do throws(AMQPError) { size = try properties.encodedBytes() } catch {
      throw Violation("what came cannot be written: \(error.message)")
    }
    let bytes = try encode(properties, size: size)
    let wire = Wire()
    guard let raw = wire.decode(bytes, &dice) else { throw Violation("what we write cannot be read") }
    let again = withExtendedLifetime(wire) {
      var cache = StringCache()
      return PropertiesDecoder.properties(raw, cache: &cache)
    }
    try require(try encode(again, size: size) == bytes, "what we write reads back as something else")
  }

  private static func encode(_ properties: Properties, size: Int) throws(Violation) -> [UInt8] {
    let arena = Arena()
    var raw = arena.properties(properties)
    var status: Int32 = 0
    // One byte more, so that a length foretold too small shows.
    let bytes = withExtendedLifetime(arena) {
      [UInt8](unsafeUninitializedCapacity: size + 1) { buffer, count in
        status = amqp_encode_properties(
          UInt16(AMQP_BASIC_CLASS), &raw, amqp_bytes_t(len: size + 1, bytes: buffer.baseAddress))
        count = max(0, min(Int(status), size + 1))
      }
    }
    try require(Int(status) == size, "\(size) bytes were foretold, \(status) written")
    return bytes
  }

  // MARK: How much there is

  private static func measure(of table: FieldTable, depth: Int) -> RawExtent {
    table.entries.reduce(RawExtent(values: table.entries.count, depth: depth)) {
      $0.with(measure(of: $1.value, depth: depth))
    }
  }

  private static func measure(of value: FieldValue, depth: Int) -> RawExtent {
    switch value {
    case .table(let table): measure(of: table, depth: depth + 1)
    case .array(let values):
      values.reduce(RawExtent(values: values.count, depth: depth + 1)) { $0.with(measure(of: $1, depth: depth + 1)) }
    default: RawExtent(values: 0, depth: depth)
    }
  }
}

/// librabbitmq's reading side without a socket.
private final class Wire {
  private let connection = amqp_new_connection()
  private var frame = amqp_frame_t()

  init() {
    // The protocol header of a broker that speaks another version: the only thing that makes it wait for frames.
    var greeting = Array("AMQP".utf8) + [0, 0, 9, 1]
    let taken = greeting.withUnsafeMutableBytes {
      amqp_handle_input(connection, amqp_bytes_t(len: $0.count, bytes: $0.baseAddress), &frame)
    }
    precondition(taken == 8, "librabbitmq takes a protocol header")
    // What the product's consuming connection reads.
    amqp_tune_connection(connection, 0, 1_048_576, 0)
  }

  deinit { amqp_destroy_connection(connection) }

  /// Puts property flags and properties into a content header, and that into a frame, which comes in two pieces.
  /// - Returns: memory that is valid as long as this object.
  func decode(_ properties: [UInt8], _ dice: inout Dice) -> amqp_basic_properties_t? {
    let head: [UInt8] = [0, UInt8(AMQP_BASIC_CLASS), 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]
    let length = UInt32(head.count + properties.count)
    var bytes: [UInt8] = [UInt8(AMQP_FRAME_HEADER), 0, 1]
    withUnsafeBytes(of: length.bigEndian) { bytes.append(contentsOf: $0) }
    bytes += head + properties + [UInt8(AMQP_FRAME_END)]
    let middle = Int.random(in: 0...bytes.count, using: &dice)
    for piece in [bytes[..<middle], bytes[middle...]] {
      var piece = Array(piece)
      var taken = 0
      while taken < piece.count {
        let status = piece.withUnsafeMutableBytes {
          amqp_handle_input(
            connection, amqp_bytes_t(len: $0.count - taken, bytes: $0.baseAddress.map { $0 + taken }), &frame)
        }
        guard status > 0 else { return nil }
        taken += Int(status)
      }
    }
    guard frame.frame_type == UInt8(AMQP_FRAME_HEADER) else { return nil }
    return frame.payload.properties.decoded?.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee
  }
}

/// How many values a header table has with all that is in it, and how deep they are nested (1: none in another).
private struct RawExtent: Equatable {
  var values: Int
  var depth: Int

  init(values: Int, depth: Int) {
    self.values = values
    self.depth = depth
  }

  /// Counted in librabbitmq's own structures, without recursion. What is nested deeper than is kept is not counted.
  init(_ properties: amqp_basic_properties_t) {
    self.init(values: 0, depth: 1)
    guard Int32(bitPattern: properties._flags) & AMQP_BASIC_HEADERS_FLAG != 0 else { return }
    var waiting: [(value: amqp_field_value_t, depth: Int)] = []
    func open(_ table: amqp_table_t, at depth: Int) {
      values += Int(table.num_entries)
      for index in 0..<Int(table.num_entries) { waiting.append((table.entries[index].value, depth)) }
    }
    open(properties.headers, at: 1)
    while let (value, outer) = waiting.popLast() {
      let kind = UInt32(value.kind)
      guard kind == AMQP_FIELD_KIND_TABLE.rawValue || kind == AMQP_FIELD_KIND_ARRAY.rawValue else { continue }
      depth = max(depth, outer + 1)
      guard outer < FieldTable.maxDepth else { continue }
      if kind == AMQP_FIELD_KIND_TABLE.rawValue {
        open(value.value.table, at: outer + 1)
      } else {
        values += Int(value.value.array.num_entries)
        for index in 0..<Int(value.value.array.num_entries) {
          waiting.append((value.value.array.entries[index], outer + 1))
        }
      }
    }
  }

  func with(_ other: RawExtent) -> RawExtent {
    RawExtent(values: values + other.values, depth: max(depth, other.depth))
  }
}
