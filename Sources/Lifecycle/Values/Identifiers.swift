/// A whole number that names a thing upstream. Each kind of thing has its own type, so that a client's
/// number can never be passed where a server's is meant.
package protocol Identifier: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible
where RawValue == Int64 {
  init(rawValue: Int64)
}

extension Identifier {
  package init(_ value: Int64) { self.init(rawValue: value) }
  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
  package var description: String { String(rawValue) }
}

/// The largest identifier: 2^53−1, the largest whole number that every JSON reader keeps exact (RFC 8259 section 6).
package let maxIdentifier: Int64 = 9_007_199_254_740_991

/// A physical machine: 1...``maxIdentifier``.
package struct ServerID: Identifier {
  package let rawValue: Int64
  package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// A customer: 1...``maxIdentifier``. ``nobody`` stands for the default rows of quotas.
package struct ClientID: Identifier {
  package let rawValue: Int64
  package init(rawValue: Int64) { self.rawValue = rawValue }
  /// Client 0: nobody. Its quota rows are the default for clients without their own.
  package static let nobody = ClientID(0)
}

/// A place where servers stand: 1...``maxIdentifier``. ``any`` appears in quota caps only.
package struct LocationID: Identifier {
  package let rawValue: Int64
  package init(rawValue: Int64) { self.rawValue = rawValue }
  /// Location 0: a quota cap over every location.
  package static let any = LocationID(0)
}

/// What kind of machine it is: 1...``maxIdentifier``. ``any`` appears in quota caps only.
package struct InstanceTypeID: Identifier {
  package let rawValue: Int64
  package init(rawValue: Int64) { self.rawValue = rawValue }
  /// Type 0: a quota cap over every type.
  package static let any = InstanceTypeID(0)
}

/// The contract a client names: 1 to 240 characters of `A-Z 0-9 _ - .`.
///
/// The empty contract means on-demand and is written as `nil`, never as a value of this type.
package struct ContractID: Hashable, Sendable, CustomStringConvertible {
  package let rawValue: String
  package static let maxLength = 240

  /// `nil` when the text is empty, too long, or has another character.
  package init?(_ text: some StringProtocol) {
    guard (1...Self.maxLength).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else { return nil }
    rawValue = String(text)
  }

  package var description: String { rawValue }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
    default: false
    }
  }
}
