import CRabbitMQ

/// Copies properties and tables out of librabbitmq's memory, within the bounds of `FieldTable`.
struct PropertiesDecoder {
  private var remainingValues = FieldTable.maxValues
  private var wasCut = false

  static func properties(_ raw: amqp_basic_properties_t, cache: inout StringCache) -> Properties {
    let flags = Int32(bitPattern: raw._flags)
    var result = Properties()
    if flags & AMQP_BASIC_CONTENT_TYPE_FLAG != 0 { result.contentType = cache.string(raw.content_type) }
    if flags & AMQP_BASIC_CONTENT_ENCODING_FLAG != 0 { result.contentEncoding = cache.string(raw.content_encoding) }
    if flags & AMQP_BASIC_HEADERS_FLAG != 0 {
      var decoder = PropertiesDecoder()
      result.headers = decoder.table(raw.headers, depth: 1)
      result.headersWereCut = decoder.wasCut
    }
    if flags & AMQP_BASIC_DELIVERY_MODE_FLAG != 0 { result.deliveryMode = raw.delivery_mode }
    if flags & AMQP_BASIC_PRIORITY_FLAG != 0 { result.priority = raw.priority }
    if flags & AMQP_BASIC_CORRELATION_ID_FLAG != 0 { result.correlationID = StringCache.uncached(raw.correlation_id) }
    if flags & AMQP_BASIC_REPLY_TO_FLAG != 0 { result.replyTo = cache.string(raw.reply_to) }
    if flags & AMQP_BASIC_EXPIRATION_FLAG != 0 { result.expiration = StringCache.uncached(raw.expiration) }
    if flags & AMQP_BASIC_MESSAGE_ID_FLAG != 0 { result.messageID = StringCache.uncached(raw.message_id) }
    if flags & AMQP_BASIC_TIMESTAMP_FLAG != 0 { result.timestamp = raw.timestamp }
    if flags & AMQP_BASIC_TYPE_FLAG != 0 { result.type = cache.string(raw.type) }
    if flags & AMQP_BASIC_USER_ID_FLAG != 0 { result.userID = cache.string(raw.user_id) }
    if flags & AMQP_BASIC_APP_ID_FLAG != 0 { result.appID = cache.string(raw.app_id) }
    if flags & AMQP_BASIC_CLUSTER_ID_FLAG != 0 { result.clusterID = cache.string(raw.cluster_id) }
    return result
  }

  static func table(_ raw: amqp_table_t) -> FieldTable {
    var decoder = PropertiesDecoder()
    return decoder.table(raw, depth: 1)
  }

  private mutating func table(_ raw: amqp_table_t, depth: Int) -> FieldTable {
    let count = kept(raw.num_entries)
    guard count > 0, let entries = raw.entries else { return FieldTable() }
    var result: [FieldTable.Entry] = []
    result.reserveCapacity(count)
    for index in 0..<count {
      result.append(
        FieldTable.Entry(
          key: StringCache.uncached(entries[index].key), value: value(entries[index].value, depth: depth)))
    }
    return FieldTable(result)
  }

  private mutating func array(_ raw: amqp_array_t, depth: Int) -> [FieldValue] {
    let count = kept(raw.num_entries)
    guard count > 0, let entries = raw.entries else { return [] }
    var result: [FieldValue] = []
    result.reserveCapacity(count)
    for index in 0..<count { result.append(value(entries[index], depth: depth)) }
    return result
  }

  /// How many of these values are still to be read.
  private mutating func kept(_ announced: Int32) -> Int {
    let count = min(Int(announced), remainingValues)
    if count < announced { wasCut = true }
    remainingValues -= count
    return count
  }

  private mutating func value(_ raw: amqp_field_value_t, depth: Int) -> FieldValue {
    switch UInt32(raw.kind) {
    case AMQP_FIELD_KIND_BOOLEAN.rawValue: return .boolean(raw.value.boolean != 0)
    case AMQP_FIELD_KIND_I8.rawValue: return .int8(raw.value.i8)
    case AMQP_FIELD_KIND_U8.rawValue: return .uint8(raw.value.u8)
    case AMQP_FIELD_KIND_I16.rawValue: return .int16(raw.value.i16)
    case AMQP_FIELD_KIND_U16.rawValue: return .uint16(raw.value.u16)
    case AMQP_FIELD_KIND_I32.rawValue: return .int32(raw.value.i32)
    case AMQP_FIELD_KIND_U32.rawValue: return .uint32(raw.value.u32)
    case AMQP_FIELD_KIND_I64.rawValue: return .int64(raw.value.i64)
    case AMQP_FIELD_KIND_U64.rawValue: return .uint64(raw.value.u64)
    case AMQP_FIELD_KIND_F32.rawValue: return .float(raw.value.f32)
    case AMQP_FIELD_KIND_F64.rawValue: return .double(raw.value.f64)
    case AMQP_FIELD_KIND_DECIMAL.rawValue:
      return .decimal(scale: raw.value.decimal.decimals, value: raw.value.decimal.value)
    case AMQP_FIELD_KIND_UTF8.rawValue: return .string(Array(raw.value.bytes.buffer))
    case AMQP_FIELD_KIND_BYTES.rawValue: return .byteArray(Array(raw.value.bytes.buffer))
    case AMQP_FIELD_KIND_TIMESTAMP.rawValue: return .timestamp(raw.value.u64)
    case AMQP_FIELD_KIND_TABLE.rawValue where depth < FieldTable.maxDepth:
      return .table(table(raw.value.table, depth: depth + 1))
    case AMQP_FIELD_KIND_ARRAY.rawValue where depth < FieldTable.maxDepth:
      return .array(array(raw.value.array, depth: depth + 1))
    case AMQP_FIELD_KIND_VOID.rawValue: return .void
    default:
      // Too deep. (A type that librabbitmq does not know never gets here: it gives the connection up.)
      wasCut = true
      return .void
    }
  }
}

extension amqp_bytes_t {
  var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : len) }
}
