package import AMQP
package import Lifecycle

/// A command as a sender would write it.
package struct Order: Sendable, Hashable {
  package var command: CommandName
  /// JSON of the fields without braces.
  package var fields: String
  /// Gives the `operationUuid`; `nil`: the body has none.
  package var operation: UInt64?
  package var attempt: Int?
  package var messageID: String?
  package var replyTo: String?
  package var correlationID: String?
  package var headers: FieldTable?

  package init(_ command: CommandName, _ fields: String, operation: UInt64? = nil, attempt: Int? = nil) {
    self.command = command
    self.fields = fields
    self.operation = operation
    self.attempt = attempt
  }

  package static func uuid(_ number: UInt64) -> String {
    UUID128(randomHigh: number &* 0x9E37_79B9_7F4A_7C15, randomLow: number).description
  }

  package var body: [UInt8] {
    var parts = fields.isEmpty ? [] : [fields]
    if let operation { parts.append("\"operationUuid\":\"\(Self.uuid(operation))\"") }
    if let attempt { parts.append("\"attempt\":\(attempt)") }
    return Array("{\(parts.joined(separator: ","))}".utf8)
  }

  package var properties: Properties {
    Properties(
      contentType: "application/json", headers: headers, deliveryMode: 2, correlationID: correlationID,
      replyTo: replyTo, messageID: messageID)
  }

  package func asking(_ replyTo: String = "answers", _ correlationID: String? = "c1") -> Order {
    var copy = self
    copy.replyTo = replyTo
    copy.correlationID = correlationID
    return copy
  }

  package func attempt(_ attempt: Int) -> Order {
    var copy = self
    copy.attempt = attempt
    return copy
  }

  package func with(_ field: String) -> Order {
    var copy = self
    copy.fields += (fields.isEmpty ? "" : ",") + field
    return copy
  }

  package func messageID(_ id: String) -> Order {
    var copy = self
    copy.messageID = id
    return copy
  }
}

/// The commands that tests send most. All servers are at location 18 and of type 126.
extension Order {
  package static func enroll(_ server: Int64, _ state: String = "available", op: UInt64? = nil) -> Order {
    Order(.enroll, #""serverId":\#(server),"locationId":18,"instanceTypeId":126,"state":"\#(state)""#, operation: op)
  }
  package static func quota(_ client: Int64, _ limit: Int = 100, op: UInt64? = nil) -> Order {
    Order(
      .setQuota, #""clientId":\#(client),"locationId":18,"instanceTypeId":126,"limit":\#(limit)"#, operation: op)
  }
  package static func allocate(_ client: Int64, op: UInt64?) -> Order {
    Order(.allocate, #""clientId":\#(client),"locationId":18,"instanceTypeId":126"#, operation: op)
  }
  package static func deallocate(_ server: Int64, _ client: Int64, op: UInt64? = nil) -> Order {
    Order(.deallocate, #""serverId":\#(server),"clientId":\#(client)"#, operation: op)
  }
  package static func available(_ server: Int64, op: UInt64? = nil) -> Order {
    Order(.available, #""serverId":\#(server)"#, operation: op)
  }
  package static func isolate(_ server: Int64, _ cause: String = "brokenHardware", op: UInt64? = nil) -> Order {
    Order(.isolate, #""serverId":\#(server),"subState":"\#(cause)""#, operation: op)
  }
  package static func unisolate(_ server: Int64, op: UInt64? = nil) -> Order {
    Order(.unisolate, #""serverId":\#(server)"#, operation: op)
  }
  package static func quarantine(_ server: Int64, op: UInt64? = nil) -> Order {
    Order(.quarantine, #""serverId":\#(server)"#, operation: op)
  }
  package static func decommission(_ server: Int64, op: UInt64? = nil) -> Order {
    Order(.decommission, #""serverId":\#(server)"#, operation: op)
  }
  package static func snapshot(_ fields: String = "", op: UInt64? = nil) -> Order {
    Order(.snapshot, fields, operation: op)
  }
}
