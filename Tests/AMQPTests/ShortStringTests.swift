import Testing

@testable import AMQP

@Suite struct ShortStringTests {
  private static let samples: [[UInt8]] = [
    [], Array("plain".utf8), Array("größer 🦊".utf8), [0x80, 0x01], [0x81, 0x01], [0xFF, 0xFE, 0x00], [0xC3],
    [0xF0, 0x9F, 0xA6], [0xED, 0xA0, 0x80], [0xC0, 0xAF], [0xF4, 0x8F, 0xB8, 0x80], [0xF4, 0x8F, 0xBB, 0xBF, 0x41],
    [0xF4, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], Array(repeating: 0xFF, count: 255),
  ]

  @Test("Whatever bytes come, the same go out, and what differs stays different")
  func roundTrip() {
    let texts = Self.samples.map { bytes in bytes.withUnsafeBytes { ShortString.decode($0) } }
    for (bytes, text) in zip(Self.samples, texts) {
      #expect(ShortString.escapedBytes(text) ?? Array(text.utf8) == bytes)
      #expect(ShortString.byteCount(text) == bytes.count)
    }
    #expect(Set(texts).count == Self.samples.count)
  }

  @Test("Text is left as it is")
  func text() {
    let bytes = Array("größer 🦊".utf8)
    #expect(bytes.withUnsafeBytes { ShortString.decode($0) } == "größer 🦊")
    #expect(ShortString.escapedBytes("größer 🦊") == nil)
  }

  @Test("Through the broker: identifiers of any bytes, 255 of them, come back as they were")
  func throughTheBroker() async throws {
    try await withConnection { connection in
      let queue = try await connection.temporaryQueue("bytes")
      try await connection.consume(queue, noAck: true)
      for bytes in Self.samples {
        let text = bytes.withUnsafeBytes { ShortString.decode($0) }
        let properties = Properties(correlationID: text, messageID: text)
        try await connection.publishAll([
          OutboundMessage(exchange: "", routingKey: queue, properties: properties, body: [])
        ])
        let came = try await connection.deliveries(1)[0].properties
        #expect(came.messageID == text && came.correlationID == text)
      }
    }
  }
}
