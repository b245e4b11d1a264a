import Lifecycle
import Testing
import Worker

@Suite struct EventEncoderTests {
  private static let envelope =
    #""specversion":"1.0","id":"00000000-04d2-8000-8844-555555555555","time":"2026-11-23T16:52:07.123Z","#
    + #""storeid":"11111111-2222-4333-8444-555555555555","epoch":2,"position":"00000000000000001234""#

  private func expect(
    _ event: Event, key: String, is json: String, at place: EventPlace = Written.place,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let encoded = EventEncoder.encode(event, at: place)
    #expect(encoded.routingKey == key, sourceLocation: sourceLocation)
    #expect(encoded.id == place.id, sourceLocation: sourceLocation)
    try Written.expect(encoded.bytes, is: json, sourceLocation: sourceLocation)
    #expect(
      EventEncoder.encode(event, at: place) == encoded, "the same bytes every time", sourceLocation: sourceLocation)
  }

  @Test(arguments: ServerEvent.allCases) func stateEvents(_ event: ServerEvent) throws {
    let data = StateDocument.encode(Written.server(.available), Written.facts, allocation: .none)
    try expect(
      .state(
        StateEvent(
          event: event, serverID: ServerID(42), version: 7, state: .available, locationID: LocationID(18), data: data)),
      key: "server.\(event.rawValue).available.18",
      is: #"{\#(Self.envelope),"source":"/servers/42","type":"ostler.server.\#(event.rawValue).v1","subject":"42","#
        + #""sequence":"00000000000000000007","data":\#(String(decoding: data, as: UTF8.self))}"#)
  }

  @Test func snapshots() throws {
    let stored = Array(#"{ "serverId": 42,   "as":"stored" }"#.utf8)
    let event = Event.snapshot(
      SnapshotEvent(serverID: ServerID(42), version: 9, state: .isolated, locationID: LocationID(3), data: stored))
    try expect(
      event, key: "server.snapshot.isolated.3",
      is: #"{\#(Self.envelope),"source":"/servers/42","type":"ostler.server.snapshot.v1","subject":"42","#
        + #""sequence":"00000000000000000009","data":{"serverId":42,"as":"stored"}}"#)
    let bytes = EventEncoder.encode(event, at: Written.place).bytes
    #expect(String(decoding: bytes, as: UTF8.self).contains(#""data":{ "serverId": 42,   "as":"stored" }}"#))
  }

  @Test func snapshotCompleted() throws {
    let facts = OperationFacts(command: .snapshot, operation: "nightly", actor: "ops")
    let scopes: [(SnapshotScope, subject: String, data: String)] = [
      (.all, "", #""scope":"all""#), (.location(LocationID(18)), "", #""scope":"location","locationId":18"#),
      (.server(ServerID(42)), #""subject":"42","#, #""scope":"server","serverId":42"#),
    ]
    for (scope, subject, data) in scopes {
      try expect(
        .snapshotCompleted(SnapshotCompleted(scope: scope, count: 1234, facts: facts)), key: "server.snapshotCompleted",
        is: #"{\#(Self.envelope),"source":"/commands/snapshot","type":"ostler.server.snapshotCompleted.v1",\#(subject)"#
          + #""data":{"command":"snapshot","operationUuid":"nightly","actor":"ops",\#(data),"count":1234}}"#)
    }
  }

  @Test(arguments: CommandEvent.Kind.allCases) func commandEvents(_ kind: CommandEvent.Kind) throws {
    let rejection = Rejection(.unknownServer, "There is no server 42.", details: [.init("serverId", .integer(42))])
    let event = CommandEvent(
      kind: kind, facts: Written.facts, serverID: ServerID(42), clientID: ClientID(9),
      error: ErrorPart.encode(rejection), deadLetterID: Written.id)
    try expect(
      .command(event), key: "command.isolate.\(kind.rawValue)",
      is:
        #"{\#(Self.envelope),"source":"/commands/isolate","type":"ostler.command.\#(kind.rawValue).v1","subject":"42","#
        + #""data":{"command":"isolate","operationUuid":"\#(Written.idText)","actor":"ops","serverId":42,"clientId":9,"#
        + #""error":{"code":"unknown-server","message":"There is no server 42.","retry":"after-change","#
        + #""details":{"serverId":42}},"deadLetterId":"\#(Written.idText)"}}"#)
    try expect(
      .command(CommandEvent(kind: kind, facts: OperationFacts(command: nil))), key: "command.unknown.\(kind.rawValue)",
      is: #"{\#(Self.envelope),"source":"/commands/unknown","type":"ostler.command.\#(kind.rawValue).v1","#
        + #""data":{"command":"unknown"}}"#)
  }

  @Test func quotaEvents() throws {
    let facts = OperationFacts(command: .setQuota, operation: Written.idText, actor: "ops")
    let commit = QuotaKey(
      clientID: ClientID(9), contractID: ContractID("C"), locationID: LocationID(18),
      instanceTypeID: InstanceTypeID(126))
    let who = #""command":"set-quota","operationUuid":"\#(Written.idText)","actor":"ops""#
    try expect(
      .quota(QuotaEvent(key: commit, oldLimit: nil, newLimit: 5, facts: facts)), key: "quota.set.9",
      is:
        #"{\#(Self.envelope),"source":"/quotas/9","type":"ostler.quota.set.v1","data":{"clientId":9,"contractId":"C","#
        + #""locationId":18,"instanceTypeId":126,"quotaType":"commit","newLimit":5,\#(who)}}"#)
    let cap = QuotaKey(clientID: .nobody, locationID: .any, instanceTypeID: .any)
    try expect(
      .quota(QuotaEvent(key: cap, oldLimit: 3, newLimit: nil, facts: facts)), key: "quota.removed.0",
      is: #"{\#(Self.envelope),"source":"/quotas/0","type":"ostler.quota.removed.v1","data":{"clientId":0,"#
        + #""locationId":0,"instanceTypeId":0,"quotaType":"onDemand","oldLimit":3,\#(who)}}"#)
  }

  @Test func traceparentIsCarriedOrDropped() throws {
    let event = Event.command(CommandEvent(kind: .unchanged, facts: OperationFacts(command: .unisolate)))
    let rest = #""source":"/commands/unisolate","type":"ostler.command.unchanged.v1","data":{"command":"unisolate"}"#
    func place(_ traceparent: String) -> EventPlace {
      EventPlace(
        storeID: Written.store, epoch: 2, position: 1234, time: Written.start, traceparent: traceparent)
    }
    let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    try expect(
      event, key: "command.unisolate.unchanged", is: #"{\#(Self.envelope),"traceparent":"\#(good)",\#(rest)}"#,
      at: place(good))
    try expect(
      event, key: "command.unisolate.unchanged", is: "{\(Self.envelope),\(rest)}", at: place("\"},{" + good))
  }
}

@Suite struct TraceParentTests {
  private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

  @Test(arguments: [
    ("00-\(trace)-01", "00-\(trace)-01"), ("00-\(trace)-ff", "00-\(trace)-ff"), ("01-\(trace)-00", "00-\(trace)-00"),
    ("cc-\(trace)-0b", "00-\(trace)-01"), ("cc-\(trace)-fa-what follows", "00-\(trace)-00"),
  ]) func valid(_ header: String, _ carried: String) {
    #expect(TraceParent.validated(header) == carried)
  }

  @Test(arguments: [
    nil, "", "00", "00-\(trace)", "00-\(trace)-", "00-\(trace)-1", "00-\(trace)-011", "00-\(trace)-01-",
    "00-\(trace)-0G",
    "ff-\(trace)-01", "0-\(trace)-01", "00-\(trace.uppercased())-01", "00_\(trace)-01", "cc-\(trace)-01.more",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    " 00-\(trace)-01", "00-\(trace)-é",
  ]) func malformed(_ header: String?) {
    #expect(TraceParent.validated(header) == nil)
  }
}

@Suite struct EventIDTests {
  @Test func isAUUIDOfVersion8() {
    for position in [0, 1, 1 << 47, EventID.maxPosition] {
      for epoch in [0, 1, 15, 16, EventID.maxEpoch] {
        let id = EventID.make(storeID: UUID128(high: .max, low: .max), epoch: epoch, position: position)
        #expect(id.high >> 12 & 0xF == 8)
        #expect(id.low >> 62 == 0b10)
      }
    }
  }

  @Test func isUnique() {
    var seen: Set<UUID128> = []
    let positions: [Int64] = [0, 1, 2, 255, 256, 65_535, 65_536, 1 << 32, 1 << 40, EventID.maxPosition]
    for store in 0..<20 as Range<UInt64> {
      for epoch in [0, 1, 15, 16, 17, 4096, EventID.maxEpoch] as [Int64] {
        for position in positions {
          let storeID = UUID128(randomHigh: 7, randomLow: store << 53 | store)
          #expect(seen.insert(EventID.make(storeID: storeID, epoch: epoch, position: position)).inserted)
        }
      }
    }
    #expect(seen.count == 20 * 7 * positions.count)
  }

  @Test func sortsAsTheEventsDo() {
    let ids = [0, 1, 255, 256, 1 << 30, EventID.maxPosition].map {
      EventID.make(storeID: Written.store, epoch: 3, position: $0)
    }
    #expect(ids == ids.sorted())
  }
}
