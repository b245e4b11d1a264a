import Lifecycle

/// Servers in words, from the fields of section 6 of the contract.
enum ServerText {
  /// `server 4711 is isolated (brokenHardware), version 3`.
  static func summary(_ server: Detail) -> String {
    var text = "server \(server["serverId"]?.plain ?? "?") is \(server["state"]?.plain ?? "?")"
    if let subState = server["subState"] { text += " (\(subState.plain))" }
    if let version = server["version"] { text += ", version \(version.plain)" }
    return text
  }

  static func allocation(_ allocation: Detail) -> String {
    var text = "\(allocation["id"]?.plain ?? "?") of client \(allocation["clientId"]?.plain ?? "?")"
    if let contract = allocation["contractId"] { text += ", contract \(contract.plain)" }
    if let quotaType = allocation["quotaType"] { text += ", \(quotaType.plain)" }
    if let startedAt = allocation["startedAt"] { text += ", since \(startedAt.plain)" }
    if let endedAt = allocation["endedAt"] { text += ", ended \(endedAt.plain)" }
    if let endedBy = allocation["endedBy"] { text += " by \(endedBy.plain)" }
    if allocation["billable"]?.boolean == false { text += ", not billable" }
    return text
  }

  /// Where a server has moved on to since.
  static func current(_ current: Detail) -> String {
    "\(current["state"]?.plain ?? "?"), version \(current["version"]?.plain ?? "?")"
  }
}

/// Quota rows in words.
enum QuotaText {
  /// `3 of 20 used (client 12345, location 18, type 126, onDemand)`.
  static func summary(_ quota: Detail) -> String {
    var parts = ["client \(quota["clientId"]?.plain ?? "?")"]
    if let contract = quota["contractId"] { parts.append("contract \(contract.plain)") }
    parts.append("location \(quota["locationId"]?.plain ?? "?")")
    parts.append("type \(quota["instanceTypeId"]?.plain ?? "?")")
    if let quotaType = quota["quotaType"] { parts.append(quotaType.plain) }
    let limit = quota["limit"]?.plain ?? "no limit"
    let use = quota["used"].map { "\($0.plain) of \(limit) used" } ?? "limit \(limit)"
    return "\(use) (\(parts.joined(separator: ", ")))"
  }
}

extension String {
  /// Filled up with blanks; at least one.
  func padding(to width: Int) -> String { self + String(repeating: " ", count: Swift.max(width - count, 1)) }
}
