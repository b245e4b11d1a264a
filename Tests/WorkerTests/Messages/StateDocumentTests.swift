import Lifecycle
import Testing
import Worker

@Suite struct StateDocumentTests {
  private func expect(
    _ server: Server, _ facts: OperationFacts = Written.facts, _ change: AllocationChange = .none, is json: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try Written.expect(
      StateDocument.encode(server, facts, allocation: change), is: json, sourceLocation: sourceLocation)
  }

  private static let common =
    #""serverId":42,"version":7,"previousState":"available","locationId":18,"instanceTypeId":126,"command":"isolate","#
    + #""operationUuid":"\#(Written.idText)","actor":"ops","name":"rack \"1\"""#

  private static func allocation(_ more: String) -> String {
    #""allocation":{"id":"\#(Written.idText)","clientId":9,"contractId":"JD-1","quotaType":"commit","#
      + #""startedAt":"2026-11-23T16:52:07.123Z",\#(more)}"#
  }

  @Test func theBytes() {
    let first = Server(
      id: ServerID(1), version: 1, enrolledAtVersion: 1, name: nil, locationID: LocationID(2),
      instanceTypeID: InstanceTypeID(3), state: .new, previousState: nil, reason: nil, changedAt: Written.start)
    let bytes = StateDocument.encode(first, OperationFacts(command: .enroll), allocation: .none)
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == #"{"serverId":1,"version":1,"state":"new","locationId":2,"instanceTypeId":3,"command":"enroll"}"#)
  }

  @Test func everyState() throws {
    try expect(Written.server(.new), is: "{\(Self.common),\"state\":\"new\"}")
    try expect(Written.server(.available), is: "{\(Self.common),\"state\":\"available\"}")
    try expect(
      Written.server(.decommissioned, reason: "old"),
      is: "{\(Self.common),\"state\":\"decommissioned\",\"reason\":\"old\"}")
    try expect(
      Written.server(.backToBaseline(baselineID: Written.id)),
      is: #"{\#(Self.common),"state":"backToBaseline","baselineId":"\#(Written.idText)"}"#)
    try expect(
      Written.server(.isolated(Isolation(subState: .brokenHardware, reason: "fan")), reason: "fan"),
      is: #"{\#(Self.common),"state":"isolated","subState":"brokenHardware","reason":"fan"}"#)
    try expect(
      Written.server(.allocated(Written.allocation())),
      is: "{\(Self.common),\"state\":\"allocated\",\(Self.allocation("\"billable\":true"))}")
  }

  @Test func quarantined() throws {
    func quarantined(_ held: HeldState, _ holds: [String?] = [nil]) -> Server {
      Written.server(.quarantined(Quarantine(holds: holds.map(Hold.init(caseID:)), held: held)))
    }
    let state = #"\#(Self.common),"state":"quarantined""#
    try expect(
      quarantined(.isolated(Isolation(subState: .excluded, reason: "x")), ["c1", nil, "c\"2"]),
      is: #"{\#(state),"holds":["c1",null,"c\"2"],"heldState":{"state":"isolated","subState":"excluded","reason":"x"}}"#
    )
    try expect(quarantined(.new), is: #"{\#(state),"holds":[null],"heldState":{"state":"new"}}"#)
    try expect(quarantined(.available), is: #"{\#(state),"holds":[null],"heldState":{"state":"available"}}"#)
    try expect(
      quarantined(.allocated(Written.allocation())),
      is: #"{\#(state),"holds":[null],"heldState":{"state":"allocated"},\#(Self.allocation("\"billable\":true"))}"#)
    let ended = Written.allocation().ended(by: .deallocate, at: Written.start + .seconds(60))
    try expect(
      quarantined(.allocationEnded), Written.facts, .ended(ended),
      is: #"{\#(state),"holds":[null],"heldState":{"state":"allocated"},"#
        + Self.allocation(#""endedAt":"2026-11-23T16:53:07.123Z","endedBy":"deallocate","billable":true"#) + "}")
  }

  @Test func allocationsThatEnd() throws {
    let server = Written.server(.backToBaseline(baselineID: Written.id))
    for (cause, billable) in [(AllocationEnd.Cause.compensate, "false"), (.unquarantine, "true")] {
      let ended = Written.allocation().ended(by: cause, at: Written.start)
      let more = #""endedAt":"2026-11-23T16:52:07.123Z","endedBy":"\#(cause.rawValue)","billable":\#(billable)"#
      try expect(
        server, Written.facts, .ended(ended),
        is: #"{\#(Self.common),"state":"backToBaseline","baselineId":"\#(Written.idText)",\#(Self.allocation(more))}"#)
    }
  }

  @Test func replayed() throws {
    let facts = OperationFacts(command: .isolate, operation: Written.idText, actor: "ops", replayedBy: "night shift")
    try expect(Written.server(.new), facts, is: #"{\#(Self.common),"state":"new","replayedBy":"night shift"}"#)
  }
}
