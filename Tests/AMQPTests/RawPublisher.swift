import AMQP
import Foundation
import Glibc
import Testing

/// A client that writes whatever it likes: for messages that ours refuses to send. Speaks just enough AMQP 0-9-1 to log
/// in, publish, and know that the broker has taken it.
final class RawPublisher {
  private let descriptor: Int32

  init(_ uri: BrokerURI) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr(uri.host)
    address.sin_port = UInt16(uri.port).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(status == 0)
    write(Array("AMQP".utf8) + [0, 0, 9, 1])
    try expect(10, 10)
    let login = [0] + Array(uri.user.utf8) + [0] + Array(uri.password.utf8)
    method(0, 10, 11, Self.long(0) + Self.short("PLAIN") + Self.long(UInt32(login.count)) + login + Self.short("en_US"))
    try expect(10, 30)
    method(0, 10, 31, [0, 1] + Self.long(131_072) + [0, 0])
    method(0, 10, 40, Self.short(uri.virtualHost) + [0, 0])
    try expect(10, 41)
    method(1, 20, 10, [0])
    try expect(20, 11)
    method(1, 85, 10, [0])
    try expect(85, 11)
  }

  deinit { close(descriptor) }

  /// Publishes with these bytes as the header table (without its length) and waits for the confirm.
  func publish(to queue: String, headers: [UInt8], body: [UInt8]) throws {
    method(1, 60, 40, [0, 0, 0] + Self.short(queue) + [0])
    let properties: [UInt8] = [0x20, 0x00] + Self.long(UInt32(headers.count)) + headers
    frame(2, 1, [0, 60, 0, 0, 0, 0, 0, 0] + Self.long(UInt32(body.count)) + properties)
    if !body.isEmpty { frame(3, 1, body) }
    try expect(60, 80)
  }

  static func long(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
  static func short(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }

  private func method(_ channel: UInt8, _ classID: UInt8, _ methodID: UInt8, _ arguments: [UInt8]) {
    frame(1, channel, [0, classID, 0, methodID] + arguments)
  }

  private func frame(_ type: UInt8, _ channel: UInt8, _ payload: [UInt8]) {
    write([type, 0, channel] + Self.long(UInt32(payload.count)) + payload + [0xCE])
  }

  private func write(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      sent += count
    }
  }

  /// Reads frames up to the method that must come.
  private func expect(_ classID: UInt8, _ methodID: UInt8) throws {
    while true {
      let head = try read(7)
      let size = head[3..<7].reduce(0) { $0 << 8 | Int($1) }
      let payload = try read(size + 1)
      guard head[0] == 1 else { continue }
      if payload[1] == classID && payload[3] == methodID { return }
      let text = String(decoding: payload, as: UTF8.self)
      try #require(payload[3] != 40 && payload[3] != 50, "the broker closed: \(text)")
    }
  }

  private func read(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var received = 0
    while received < count {
      let result = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + received, count - received, 0) }
      try #require(result > 0, "the broker hung up")
      received += result
    }
    return bytes
  }
}
