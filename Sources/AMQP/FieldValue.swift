/// A value in a header or argument table, with the exact type that is on the wire.
///
/// The types are those that RabbitMQ speaks (its errata to AMQP 0-9-1, section 4.2.5.5); the letter is the wire's.
package enum FieldValue: Sendable, Hashable {
  /// `t`
  case boolean(Bool)
  /// `b`
  case int8(Int8)
  /// `B`
  case uint8(UInt8)
  /// `s`
  case int16(Int16)
  /// `u`
  case uint16(UInt16)
  /// `I`
  case int32(Int32)
  /// `i`
  case uint32(UInt32)
  /// `l`
  case int64(Int64)
  /// `L`; brokers up to 4.x close the connection on it, so it is only ever read from others.
  case uint64(UInt64)
  /// `f`
  case float(Float)
  /// `d`
  case double(Double)
  /// `D`: `value` / 10^`scale`
  case decimal(scale: UInt8, value: UInt32)
  /// `S`: the bytes of a "long string", which need not be UTF-8.
  case string([UInt8])
  /// `x`
  case byteArray([UInt8])
  /// `T`: seconds since 1970.
  case timestamp(UInt64)
  /// `A`
  case array([FieldValue])
  /// `F`
  case table(FieldTable)
  /// `V`
  case void

  package static func string(_ text: String) -> FieldValue { .string(Array(text.utf8)) }

  /// The text of a `string` (or `byteArray`) that is UTF-8; nil for everything else.
  package var text: String? {
    switch self {
    case .string(let bytes), .byteArray(let bytes): String(validating: bytes, as: UTF8.self)
    case .boolean, .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64, .float, .double, .decimal,
      .timestamp, .array, .table, .void:
      nil
    }
  }

  /// The value of any integer type or timestamp that fits; nil for everything else.
  package var integer: Int64? {
    switch self {
    case .int8(let value): Int64(value)
    case .uint8(let value): Int64(value)
    case .int16(let value): Int64(value)
    case .uint16(let value): Int64(value)
    case .int32(let value): Int64(value)
    case .uint32(let value): Int64(value)
    case .int64(let value): value
    case .uint64(let value): Int64(exactly: value)
    case .timestamp(let value): Int64(exactly: value)
    case .boolean, .float, .double, .decimal, .string, .byteArray, .array, .table, .void: nil
    }
  }
}

extension FieldValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral {
  package init(stringLiteral value: String) { self = .string(value) }
  package init(booleanLiteral value: Bool) { self = .boolean(value) }
  package init(integerLiteral value: Int64) { self = .int64(value) }
}
