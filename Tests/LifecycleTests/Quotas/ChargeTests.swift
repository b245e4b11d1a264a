import Lifecycle
import Testing

/// One row each: what there is, what is asked for, and what section 5 says.
struct ChargeCase: Sendable, CustomTestStringConvertible {
  enum Expected: Sendable {
    /// The row that gave the room, and `used` with this allocation.
    case charged(QuotaRow, used: Int)
    /// The code, the row that is reported and its use as it is.
    case refused(RejectionCode, QuotaRow, used: Int)
    /// There is no row: the row that is wanted.
    case missing(RejectionCode, QuotaKey)
  }

  let rule: String
  let situation: QuotaSituation
  let request: AllocateRequest
  let expected: Expected
  var testDescription: String { rule }

  init(
    _ rule: String, _ situation: QuotaSituation, contract: Bool = false, overflow: Bool = false, _ expected: Expected
  ) {
    self.rule = rule
    self.situation = situation
    request = AllocateRequest(
      locationID: Rows.location, instanceTypeID: Rows.type, clientID: Rows.client,
      contractID: contract ? Rows.contract : nil, overflow: overflow)
    self.expected = expected
  }
}

private enum Rows {
  static let client = ClientID(300)
  static let location = LocationID(18)
  static let type = InstanceTypeID(40)
  static let contract = ContractID("C-1")!

  static let commitKey = QuotaKey(
    clientID: client, contractID: contract, locationID: location, instanceTypeID: type)
  static let ownKey = QuotaKey(clientID: client, locationID: location, instanceTypeID: type)

  static func commit(_ limit: Int) -> QuotaRow { QuotaRow(key: commitKey, limit: limit) }
  static func own(_ limit: Int) -> QuotaRow { QuotaRow(key: ownKey, limit: limit) }
  static func standard(_ limit: Int) -> QuotaRow {
    QuotaRow(key: QuotaKey(clientID: .nobody, locationID: location, instanceTypeID: type), limit: limit)
  }
  static func locationCap(_ limit: Int, of owner: ClientID = client) -> QuotaRow {
    QuotaRow(key: QuotaKey(clientID: owner, locationID: location, instanceTypeID: .any), limit: limit)
  }
  static func clientCap(_ limit: Int, of owner: ClientID = client) -> QuotaRow {
    QuotaRow(key: QuotaKey(clientID: owner, locationID: .any, instanceTypeID: .any), limit: limit)
  }
}

@Suite("The quota, contract section 5")
struct ChargeTests {
  private static let commitRules: [ChargeCase] = [
    ChargeCase(
      "1: the commit row has room", QuotaSituation(commit: Rows.commit(3), commitUse: 2), contract: true,
      .charged(Rows.commit(3), used: 3)),
    ChargeCase(
      "1: with room, overflow changes nothing",
      QuotaSituation(commit: Rows.commit(3), commitUse: 0, onDemand: Rows.own(9), onDemandUse: 4), contract: true,
      overflow: true, .charged(Rows.commit(3), used: 1)),
    ChargeCase(
      "1: a commit allocation is not bound by the caps",
      QuotaSituation(
        commit: Rows.commit(1), commitUse: 0, locationCap: Rows.locationCap(0), clientCap: Rows.clientCap(0)),
      contract: true, .charged(Rows.commit(1), used: 1)),
    ChargeCase(
      "1: on-demand use does not count against the commit row",
      QuotaSituation(
        commit: Rows.commit(1), commitUse: 0, onDemand: Rows.own(2), onDemandUse: 2, locationUse: 5, clientUse: 5),
      contract: true, .charged(Rows.commit(1), used: 1)),
    ChargeCase(
      "2: no room", QuotaSituation(commit: Rows.commit(3), commitUse: 3, onDemand: Rows.own(9)), contract: true,
      .refused(.quotaExceeded, Rows.commit(3), used: 3)),
    ChargeCase(
      "2: no room, limit 0", QuotaSituation(commit: Rows.commit(0), onDemand: Rows.own(9)), contract: true,
      .refused(.quotaExceeded, Rows.commit(0), used: 0)),
    ChargeCase(
      "2: no room, the limit was lowered below the use",
      QuotaSituation(commit: Rows.commit(1), commitUse: 4, onDemand: Rows.own(9)), contract: true,
      .refused(.quotaExceeded, Rows.commit(1), used: 4)),
    ChargeCase(
      "2: no room, overflow is charged on-demand",
      QuotaSituation(commit: Rows.commit(3), commitUse: 3, onDemand: Rows.own(9), onDemandUse: 4), contract: true,
      overflow: true, .charged(Rows.own(9), used: 5)),
    ChargeCase(
      "2: no such row", QuotaSituation(commitUse: 2, onDemand: Rows.own(9)), contract: true,
      .missing(.contractUnknown, Rows.commitKey)),
    ChargeCase(
      "2: no such row, overflow is charged on-demand",
      QuotaSituation(commitUse: 2, onDemand: Rows.own(9), onDemandUse: 0), contract: true, overflow: true,
      .charged(Rows.own(9), used: 1)),
    ChargeCase(
      "2, 3: no such row, overflow, no on-demand row", QuotaSituation(), contract: true, overflow: true,
      .missing(.quotaNotConfigured, Rows.ownKey)),
    ChargeCase(
      "2, 3: no room, overflow, no on-demand row", QuotaSituation(commit: Rows.commit(1), commitUse: 1),
      contract: true, overflow: true, .missing(.quotaNotConfigured, Rows.ownKey)),
    ChargeCase(
      "2, 3: no room, overflow, no room on-demand either",
      QuotaSituation(commit: Rows.commit(1), commitUse: 1, onDemand: Rows.own(2), onDemandUse: 2), contract: true,
      overflow: true, .refused(.quotaExceeded, Rows.own(2), used: 2)),
    ChargeCase(
      "2, 4: overflow counts against the caps",
      QuotaSituation(
        commit: Rows.commit(1), commitUse: 1, onDemand: Rows.own(9), onDemandUse: 2,
        locationCap: Rows.locationCap(2), locationUse: 2, clientUse: 2), contract: true, overflow: true,
      .refused(.quotaExceeded, Rows.locationCap(2), used: 2)),
  ]

  private static let onDemandRules: [ChargeCase] = [
    ChargeCase(
      "3: the client's own row", QuotaSituation(onDemand: Rows.own(2), onDemandUse: 1), .charged(Rows.own(2), used: 2)),
    ChargeCase(
      "3: the default row, the client's use",
      QuotaSituation(onDemand: Rows.standard(2), onDemandUse: 1), .charged(Rows.standard(2), used: 2)),
    ChargeCase(
      "3: no room in the client's own row", QuotaSituation(onDemand: Rows.own(2), onDemandUse: 2),
      .refused(.quotaExceeded, Rows.own(2), used: 2)),
    ChargeCase(
      "3: no room in the default row", QuotaSituation(onDemand: Rows.standard(2), onDemandUse: 3),
      .refused(.quotaExceeded, Rows.standard(2), used: 3)),
    ChargeCase(
      "3: limit 0", QuotaSituation(onDemand: Rows.own(0)), .refused(.quotaExceeded, Rows.own(0), used: 0)),
    ChargeCase("3: no row", QuotaSituation(), .missing(.quotaNotConfigured, Rows.ownKey)),
    ChargeCase(
      "3: a cap alone allows nothing",
      QuotaSituation(locationCap: Rows.locationCap(9), clientCap: Rows.clientCap(9)),
      .missing(.quotaNotConfigured, Rows.ownKey)),
    ChargeCase(
      "3: without contractId the commit row is not asked, overflow or not",
      QuotaSituation(commit: Rows.commit(9), onDemand: Rows.own(1), onDemandUse: 1), overflow: true,
      .refused(.quotaExceeded, Rows.own(1), used: 1)),
    ChargeCase(
      "the largest limit", QuotaSituation(onDemand: Rows.own(QuotaRow.maxLimit), onDemandUse: QuotaRow.maxLimit - 1),
      .charged(Rows.own(32_767), used: 32_767)),
  ]

  private static let capRules: [ChargeCase] = [
    ChargeCase(
      "4: room under both caps; the on-demand row is what gave it",
      QuotaSituation(
        onDemand: Rows.own(5), onDemandUse: 1, locationCap: Rows.locationCap(3), locationUse: 2,
        clientCap: Rows.clientCap(4), clientUse: 3), .charged(Rows.own(5), used: 2)),
    ChargeCase(
      "4: the location's cap is reached",
      QuotaSituation(
        onDemand: Rows.own(5), onDemandUse: 1, locationCap: Rows.locationCap(2), locationUse: 2, clientUse: 2),
      .refused(.quotaExceeded, Rows.locationCap(2), used: 2)),
    ChargeCase(
      "4: the client's cap is reached",
      QuotaSituation(
        onDemand: Rows.own(5), onDemandUse: 1, locationCap: Rows.locationCap(9), locationUse: 2,
        clientCap: Rows.clientCap(3), clientUse: 3), .refused(.quotaExceeded, Rows.clientCap(3), used: 3)),
    ChargeCase(
      "4: client 0's cap for the location",
      QuotaSituation(
        onDemand: Rows.own(5), onDemandUse: 1, locationCap: Rows.locationCap(2, of: .nobody), locationUse: 2,
        clientUse: 2), .refused(.quotaExceeded, Rows.locationCap(2, of: .nobody), used: 2)),
    ChargeCase(
      "4: client 0's cap over all locations",
      QuotaSituation(
        onDemand: Rows.standard(5), onDemandUse: 1, locationUse: 2, clientCap: Rows.clientCap(3, of: .nobody),
        clientUse: 3), .refused(.quotaExceeded, Rows.clientCap(3, of: .nobody), used: 3)),
    ChargeCase(
      "4: a cap of 0", QuotaSituation(onDemand: Rows.own(5), clientCap: Rows.clientCap(0)),
      .refused(.quotaExceeded, Rows.clientCap(0), used: 0)),
    ChargeCase(
      "4: a cap that was lowered below the use",
      QuotaSituation(
        onDemand: Rows.own(5), onDemandUse: 1, locationCap: Rows.locationCap(1), locationUse: 4, clientUse: 4),
      .refused(.quotaExceeded, Rows.locationCap(1), used: 4)),
    ChargeCase(
      "3 before 4: the row is reported before the caps",
      QuotaSituation(
        onDemand: Rows.own(1), onDemandUse: 1, locationCap: Rows.locationCap(1), locationUse: 1,
        clientCap: Rows.clientCap(1), clientUse: 1), .refused(.quotaExceeded, Rows.own(1), used: 1)),
  ]

  @Test("rule by rule", arguments: commitRules + onDemandRules + capRules)
  func charges(_ met: ChargeCase) {
    switch (Result { () throws(Rejection) in try met.situation.charge(for: met.request) }, met.expected) {
    case (.success(let charge), .charged(let row, let used)):
      #expect(charge.row == row)
      #expect(charge.used == used)
      #expect(charge.quotaType == (row.key == Rows.commitKey ? .commit : .onDemand))
    case (.failure(let rejection), .refused(let code, let row, let used)):
      #expect(rejection.code == code)
      expectDetails(rejection, of: row.key)
      #expect(rejection["limit"] == .integer(Int64(row.limit)))
      #expect(rejection["used"] == .integer(Int64(used)))
    case (.failure(let rejection), .missing(let code, let key)):
      #expect(rejection.code == code)
      expectDetails(rejection, of: key)
      #expect(rejection["limit"] == nil)
      #expect(rejection["used"] == nil)
    case (let result, _): Issue.record("\(met.rule): \(result)")
    }
  }

  private func expectDetails(_ rejection: Rejection, of key: QuotaKey) {
    #expect(rejection["clientId"] == .integer(key.clientID.rawValue))
    #expect(rejection["contractId"] == key.contractID.map { .text($0.rawValue) })
    #expect(rejection["locationId"] == .integer(key.locationID.rawValue))
    #expect(rejection["instanceTypeId"] == .integer(key.instanceTypeID.rawValue))
    #expect(rejection["quotaType"] == .text(key.contractID == nil ? "onDemand" : "commit"))
    #expect(rejection.message.contains("client 300"))
  }

  @Test("a row says in words what it limits")
  func scope() {
    #expect(Rows.commitKey.scope == "contract C-1, type 40 at location 18")
    #expect(Rows.ownKey.scope == "type 40 at location 18")
    #expect(Rows.locationCap(1).key.scope == "location 18 (cap)")
    #expect(Rows.clientCap(1).key.scope == "all locations (cap)")
  }

  @Test("only a row with a contract is a commit row")
  func commitRows() {
    #expect(Rows.commitKey.isCommit)
    #expect(Rows.commitKey.quotaType == .commit)
    for key in [Rows.ownKey, Rows.standard(1).key, Rows.locationCap(1).key, Rows.clientCap(1).key] {
      #expect(!key.isCommit)
      #expect(key.quotaType == .onDemand)
    }
  }
}
