import CRabbitMQ
import Glibc

/// Memory for the C structures of one method or message, all freed at once by `reset()`.
///
/// librabbitmq's structures point at their strings and tables; Swift's own storage cannot be pointed at for longer than a
/// call, so it is copied here first.
final class Arena {
  private static let pageBytes = 65_536

  private let page = UnsafeMutableRawPointer.allocate(byteCount: pageBytes, alignment: 16)
  private var used = 0
  /// What did not fit the page.
  private var extras: [UnsafeMutableRawPointer] = []

  deinit {
    reset()
    page.deallocate()
  }

  func reset() {
    used = 0
    for extra in extras { extra.deallocate() }
    extras.removeAll(keepingCapacity: true)
  }

  private func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
    let rounded = (bytes + 15) & ~15
    guard used + rounded <= Self.pageBytes else {
      let extra = UnsafeMutableRawPointer.allocate(byteCount: max(rounded, 16), alignment: 16)
      extras.append(extra)
      return extra
    }
    defer { used += rounded }
    return page + used
  }

  private func allocate<T>(_ type: T.Type, count: Int) -> UnsafeMutablePointer<T> {
    allocate(MemoryLayout<T>.stride * count).bindMemory(to: type, capacity: count)
  }

  /// A short string.
  func bytes(_ text: String) -> amqp_bytes_t {
    if let escaped = ShortString.escapedBytes(text) { return bytes(escaped) }
    var text = text
    return text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
  }

  func bytes(_ array: [UInt8]) -> amqp_bytes_t {
    array.withUnsafeBytes { copy($0) }
  }

  private func copy(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
    guard let base = source.baseAddress, source.count > 0 else { return amqp_bytes_t() }
    let target = allocate(source.count)
    memcpy(target, base, source.count)
    return amqp_bytes_t(len: source.count, bytes: target)
  }

  /// The caller has checked the depth (`FieldTable.encodedBytes`).
  func table(_ table: FieldTable) -> amqp_table_t {
    let count = table.entries.count
    guard count > 0 else { return amqp_table_t() }
    let entries = allocate(amqp_table_entry_t.self, count: count)
    for (index, entry) in table.entries.enumerated() {
      (entries + index).initialize(to: amqp_table_entry_t(key: bytes(entry.key), value: value(entry.value)))
    }
    return amqp_table_t(num_entries: Int32(count), entries: entries)
  }

  private func array(_ values: [FieldValue]) -> amqp_array_t {
    guard !values.isEmpty else { return amqp_array_t() }
    let entries = allocate(amqp_field_value_t.self, count: values.count)
    for (index, element) in values.enumerated() { (entries + index).initialize(to: value(element)) }
    return amqp_array_t(num_entries: Int32(values.count), entries: entries)
  }

  private func value(_ value: FieldValue) -> amqp_field_value_t {
    var result = amqp_field_value_t()
    func set(_ kind: amqp_field_value_kind_t) { result.kind = UInt8(kind.rawValue) }
    switch value {
    case .boolean(let value):
      set(AMQP_FIELD_KIND_BOOLEAN)
      result.value.boolean = value ? 1 : 0
    case .int8(let value):
      set(AMQP_FIELD_KIND_I8)
      result.value.i8 = value
    case .uint8(let value):
      set(AMQP_FIELD_KIND_U8)
      result.value.u8 = value
    case .int16(let value):
      set(AMQP_FIELD_KIND_I16)
      result.value.i16 = value
    case .uint16(let value):
      set(AMQP_FIELD_KIND_U16)
      result.value.u16 = value
    case .int32(let value):
      set(AMQP_FIELD_KIND_I32)
      result.value.i32 = value
    case .uint32(let value):
      set(AMQP_FIELD_KIND_U32)
      result.value.u32 = value
    case .int64(let value):
      set(AMQP_FIELD_KIND_I64)
      result.value.i64 = value
    case .uint64(let value):
      set(AMQP_FIELD_KIND_U64)
      result.value.u64 = value
    case .float(let value):
      set(AMQP_FIELD_KIND_F32)
      result.value.f32 = value
    case .double(let value):
      set(AMQP_FIELD_KIND_F64)
      result.value.f64 = value
    case .decimal(let scale, let value):
      set(AMQP_FIELD_KIND_DECIMAL)
      result.value.decimal = amqp_decimal_t(decimals: scale, value: value)
    case .string(let text):
      set(AMQP_FIELD_KIND_UTF8)
      result.value.bytes = bytes(text)
    case .byteArray(let data):
      set(AMQP_FIELD_KIND_BYTES)
      result.value.bytes = bytes(data)
    case .timestamp(let value):
      set(AMQP_FIELD_KIND_TIMESTAMP)
      result.value.u64 = value
    case .array(let values):
      set(AMQP_FIELD_KIND_ARRAY)
      result.value.array = array(values)
    case .table(let value):
      set(AMQP_FIELD_KIND_TABLE)
      result.value.table = table(value)
    case .void:
      set(AMQP_FIELD_KIND_VOID)
    }
    return result
  }

  func properties(_ properties: Properties) -> amqp_basic_properties_t {
    var result = amqp_basic_properties_t()
    var flags: Int32 = 0
    func set(_ text: String?, _ flag: Int32, _ field: WritableKeyPath<amqp_basic_properties_t, amqp_bytes_t>) {
      guard let text else { return }
      flags |= flag
      result[keyPath: field] = bytes(text)
    }
    set(properties.contentType, AMQP_BASIC_CONTENT_TYPE_FLAG, \.content_type)
    set(properties.contentEncoding, AMQP_BASIC_CONTENT_ENCODING_FLAG, \.content_encoding)
    if let headers = properties.headers {
      flags |= AMQP_BASIC_HEADERS_FLAG
      result.headers = table(headers)
    }
    if let deliveryMode = properties.deliveryMode {
      flags |= AMQP_BASIC_DELIVERY_MODE_FLAG
      result.delivery_mode = deliveryMode
    }
    if let priority = properties.priority {
      flags |= AMQP_BASIC_PRIORITY_FLAG
      result.priority = priority
    }
    set(properties.correlationID, AMQP_BASIC_CORRELATION_ID_FLAG, \.correlation_id)
    set(properties.replyTo, AMQP_BASIC_REPLY_TO_FLAG, \.reply_to)
    set(properties.expiration, AMQP_BASIC_EXPIRATION_FLAG, \.expiration)
    set(properties.messageID, AMQP_BASIC_MESSAGE_ID_FLAG, \.message_id)
    if let timestamp = properties.timestamp {
      flags |= AMQP_BASIC_TIMESTAMP_FLAG
      result.timestamp = timestamp
    }
    set(properties.type, AMQP_BASIC_TYPE_FLAG, \.type)
    set(properties.userID, AMQP_BASIC_USER_ID_FLAG, \.user_id)
    set(properties.appID, AMQP_BASIC_APP_ID_FLAG, \.app_id)
    set(properties.clusterID, AMQP_BASIC_CLUSTER_ID_FLAG, \.cluster_id)
    result._flags = amqp_flags_t(flags)
    return result
  }
}
