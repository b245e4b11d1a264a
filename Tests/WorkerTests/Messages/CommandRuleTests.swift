import Lifecycle
import Testing
import Worker

/// Rules that tie several fields of a body together, and what the bodies mean.
@Suite struct CommandRuleTests {
  private static let place = #""locationId":18,"instanceTypeId":126"#

  @Test(arguments: [
    (#""state":"new""#, EnrolledState.new),
    (#""state":"new","clientId":null,"contractId":"","quotaType":null,"subState":null,"since":null"#, .new),
    (#""state":null"#, .new),
    (#""state":"backToBaseline""#, .backToBaseline),
    (#""state":"available","since":"2020-01-01T00:00:00Z""#, .available),
    (#""state":"isolated","subState":"reserved""#, .isolated(.reserved)),
    (#""state":"allocated","clientId":5"#, .allocated(Tenancy(clientID: ClientID(5)))),
    (
      #""state":"allocated","clientId":5,"contractId":"A","quotaType":"commit""#,
      .allocated(Tenancy(clientID: ClientID(5), contractID: ContractID("A"), quotaType: .commit))
    ),
    (#""state":"quarantined""#, .quarantined(nil)),
    (
      #""state":"quarantined","clientId":5,"quotaType":"onDemand","since":"2020-01-01T00:00:00Z""#,
      .quarantined(Tenancy(clientID: ClientID(5), quotaType: .onDemand))
    ),
  ]) func enrolledStates(_ fields: String, _ state: EnrolledState) throws {
    let message = try Decoding.decode(.enroll, "{\"serverId\":1,\(Self.place),\(fields)}").get()
    guard case .onServer(_, .enroll(let enrollment)) = message.command else {
      Issue.record("not an enrolment")
      return
    }
    #expect(enrollment.state == state)
  }

  @Test(arguments: [
    (#""subState":"reserved""#, "subState"), (#""state":"available","subState":"reserved""#, "subState"),
    (#""state":"allocated","clientId":5,"subState":"reserved""#, "subState"),
    (#""state":"quarantined","subState":"reserved""#, "subState"), (#""state":"isolated""#, "subState"),
    (#""state":"allocated""#, "clientId"), (#""state":"allocated","clientId":null"#, "clientId"),
    (#""clientId":5"#, "clientId"), (#""state":"backToBaseline","clientId":5"#, "clientId"),
    (#""state":"available","clientId":5"#, "clientId"),
    (#""state":"isolated","subState":"reserved","clientId":5"#, "clientId"),
    (#""contractId":"A""#, "contractId"), (#""quotaType":"onDemand""#, "quotaType"),
    (#""state":"quarantined","contractId":"A""#, "contractId"),
    (#""state":"quarantined","quotaType":"commit""#, "quotaType"),
    (#""state":"allocated","clientId":5,"quotaType":"commit""#, "quotaType"),
    (#""state":"allocated","clientId":5,"contractId":"","quotaType":"commit""#, "quotaType"),
    (#""since":"2020-01-01T00:00:00Z""#, "since"), (#""state":"quarantined","since":"2020-01-01T00:00:00Z""#, "since"),
    (#""state":"backToBaseline","since":"2020-01-01T00:00:00Z""#, "since"),
    (#""state":"isolated","subState":"reserved","since":"2020-01-01T00:00:00Z""#, "since"),
  ]) func unfitEnrolments(_ fields: String, _ path: String) {
    let rejection = Decoding.decode(.enroll, "{\"serverId\":1,\(Self.place),\(fields)}").refusal?.rejection
    #expect(rejection?.code == .invalidField)
    #expect(rejection?.path == .text(path))
  }

  @Test(arguments: [
    (#""clientId":0,"locationId":0,"instanceTypeId":0"#, nil as String?),
    (#""clientId":0,"locationId":18,"instanceTypeId":0"#, nil),
    (#""clientId":0,"locationId":18,"instanceTypeId":126"#, nil),
    (#""clientId":5,"locationId":0,"instanceTypeId":0,"contractId":"""#, nil),
    (#""clientId":5,"locationId":18,"instanceTypeId":126,"contractId":"A""#, nil),
    (#""clientId":5,"locationId":0,"instanceTypeId":126"#, "locationId"),
    (#""clientId":0,"locationId":18,"instanceTypeId":126,"contractId":"A""#, "clientId"),
    (#""clientId":5,"locationId":0,"instanceTypeId":0,"contractId":"A""#, "locationId"),
    (#""clientId":5,"locationId":18,"instanceTypeId":0,"contractId":"A""#, "instanceTypeId"),
  ]) func quotaRows(_ fields: String, _ path: String?) {
    let rejection = Decoding.decode(.setQuota, "{\(fields),\"limit\":null}").refusal?.rejection
    #expect(rejection?.code == (path == nil ? nil : .invalidField))
    #expect(rejection?.path == path.map { .text($0) })
  }

  @Test func limitNullRemoves() throws {
    let removed = try Decoding.decode(.setQuota, #"{"clientId":5,"locationId":1,"instanceTypeId":2,"limit":null}"#)
      .get()
    let key = QuotaKey(clientID: ClientID(5), locationID: LocationID(1), instanceTypeID: InstanceTypeID(2))
    #expect(removed.command == .setQuota(key, limit: nil))
    let zero = try Decoding.decode(.setQuota, #"{"clientId":5,"locationId":1,"instanceTypeId":2,"limit":0}"#).get()
    #expect(zero.command == .setQuota(key, limit: 0))
  }

  @Test func snapshotScopes() throws {
    #expect(try Decoding.decode(.snapshot, "{}").get().command == .snapshot(.all))
    #expect(try Decoding.decode(.snapshot, #"{"serverId":null}"#).get().command == .snapshot(.all))
    #expect(try Decoding.decode(.snapshot, #"{"serverId":4}"#).get().command == .snapshot(.server(ServerID(4))))
    #expect(try Decoding.decode(.snapshot, #"{"locationId":4}"#).get().command == .snapshot(.location(LocationID(4))))
    #expect(Decoding.decode(.snapshot, #"{"locationId":4,"serverId":4}"#).code == .invalidField)
  }

  @Test func allocateMeans() throws {
    let json = #"{"locationId":18,"instanceTypeId":126,"clientId":12345,"contractId":""}"#
    let message = try Decoding.decode(.allocate, json, messageID: "job 7").get()
    let request = AllocateRequest(
      locationID: LocationID(18), instanceTypeID: InstanceTypeID(126), clientID: ClientID(12345))
    #expect(message.command == .allocate(request))
    #expect(message.key == OperationKey(.allocate(request), id: .messageID("job 7")))
    #expect(message.attempt == 1)
    #expect(message.notAfter == nil)
    #expect(message.ifVersion == nil)
  }

  @Test func textKeepsItsCharacters() throws {
    let json = #"{"serverId":1,"reason":"a\u00e9\ud834\udd1e\"\\\/\n","caseId":"€"}"#
    #expect(
      try Decoding.decode(.quarantine, json).get().command
        == .onServer(ServerID(1), .quarantine(caseID: "€", reason: "aé𝄞\"\\/\n")))
  }

  @Test func emptyOptionalReasonIsKept() throws {
    #expect(
      try Decoding.decode(.decommission, #"{"serverId":1,"reason":""}"#).get().command
        == .onServer(ServerID(1), .decommission(reason: "")))
  }
}
