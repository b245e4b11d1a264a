import Glibc
import Wire

/// A connection to the broker, for one thread. Failures end the process: a benchmark has nothing to save.
final class Link {
  let wire: OpaquePointer

  init(_ uri: String) { wire = wire_open(uri) }

  deinit { wire_close(wire) }

  func publish(
    _ body: [UInt8], to exchange: String, key: String, contentType: String = "application/json"
  ) {
    body.withUnsafeBytes { wire_publish(wire, exchange, key, contentType, $0.baseAddress, $0.count) }
  }

  /// - Parameter milliseconds: how long to wait; 0 only looks.
  func next(atMost milliseconds: Int32) -> wire_event {
    var event = wire_event()
    wire_next(wire, &event, milliseconds)
    return event
  }

  static var now: Int64 { wire_now() }
}

extension wire_event {
  var bodyBytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: body, count: body_length) }
  var routingKey: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: routing_key, count: routing_key_length) }

  func hasKey(prefix: StaticString) -> Bool {
    routing_key_length >= prefix.utf8CodeUnitCount
      && memcmp(routing_key, prefix.utf8Start, prefix.utf8CodeUnitCount) == 0
  }
}
