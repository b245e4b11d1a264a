internal import Lifecycle

extension OperationKey {
  /// The key as bytes: equal exactly where the keys are equal. Stored and hashed, so the form never changes; numbers
  /// are big-endian.
  ///
  /// `command (1)`, then the id: `0, UUID (16)` or `1, length, text`; then the subject: `0`, or `1, server (8)`,
  /// or `2, client (8), location (8), type (8), length of contract, contract`. A length takes one byte below 255, else
  /// three: `255, length (2)`.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(48)
    bytes.append(command.storedCode)
    switch id {
    case .uuid(let uuid):
      bytes.append(0)
      bytes.append(bigEndian: uuid.high)
      bytes.append(bigEndian: uuid.low)
    case .messageID(let text):
      bytes.append(1)
      bytes.append(short: text)
    }
    switch subject {
    case .none: bytes.append(0)
    case .server(let id):
      bytes.append(1)
      bytes.append(bigEndian: UInt64(bitPattern: id.rawValue))
    case .quota(let key):
      bytes.append(2)
      bytes.append(bigEndian: UInt64(bitPattern: key.clientID.rawValue))
      bytes.append(bigEndian: UInt64(bitPattern: key.locationID.rawValue))
      bytes.append(bigEndian: UInt64(bitPattern: key.instanceTypeID.rawValue))
      bytes.append(short: key.contractID?.rawValue ?? "")
    }
    return bytes
  }
}

extension CommandName {
  /// The number of the command in stored keys. Never reused.
  fileprivate var storedCode: UInt8 {
    switch self {
    case .allocate: 1
    case .deallocate: 2
    case .compensate: 3
    case .isolate: 4
    case .unisolate: 5
    case .available: 6
    case .quarantine: 7
    case .unquarantine: 8
    case .enroll: 9
    case .reclassify: 10
    case .decommission: 11
    case .setQuota: 12
    case .snapshot: 13
    }
  }
}

extension [UInt8] {
  fileprivate mutating func append(bigEndian word: UInt64) {
    Swift.withUnsafeBytes(of: word.bigEndian) { append(contentsOf: $0) }
  }

  /// Message ids and contracts: of at most 255 bytes on the wire, each of which may be a character of four here.
  fileprivate mutating func append(short text: String) {
    let count = text.utf8.count
    precondition(count <= 4 * 255, "a message id or contract is at most 255 bytes long")
    if count < 255 {
      append(UInt8(count))
    } else {
      append(255)
      append(UInt8(count >> 8))
      append(UInt8(count & 0xFF))
    }
    append(contentsOf: text.utf8)
  }
}
