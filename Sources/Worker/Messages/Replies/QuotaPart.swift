package import Lifecycle

/// The `quota` of replies: the row that gave the room and how much of it the client uses, as bytes that can be stored.
package enum QuotaPart {
  package static func encode(_ charge: QuotaCharge) -> [UInt8] {
    let key = charge.row.key
    var writer = JSONWriter(capacity: 256)
    writer.beginObject()
    writer.key("clientId")
    writer.value(key.clientID.rawValue)
    writer.optional("contractId", key.contractID?.rawValue)
    writer.key("locationId")
    writer.value(key.locationID.rawValue)
    writer.key("instanceTypeId")
    writer.value(key.instanceTypeID.rawValue)
    writer.key("quotaType")
    writer.value(charge.quotaType.rawValue)
    writer.key("limit")
    writer.value(Int64(charge.row.limit))
    writer.key("used")
    writer.value(Int64(charge.used))
    writer.endObject()
    return writer.bytes
  }

  /// Reads what ``encode(_:)`` wrote.
  /// - Throws: ``JSONFault`` when the bytes are something else.
  package static func decode(_ bytes: [UInt8]) throws(JSONFault) -> QuotaCharge {
    let part = try StoredPart("quota", bytes)
    var contract: ContractID?
    if part["contractId"] != nil {
      guard let value = ContractID(try part.text("contractId")) else { throw part.fault("contractId") }
      contract = value
    }
    let key = QuotaKey(
      clientID: ClientID(try part.integer("clientId")), contractID: contract,
      locationID: LocationID(try part.integer("locationId")),
      instanceTypeID: InstanceTypeID(try part.integer("instanceTypeId")))
    let row = QuotaRow(key: key, limit: Int(try part.integer("limit")))
    return QuotaCharge(row: row, used: Int(try part.integer("used")))
  }
}
