import Lifecycle
import Testing
import Worker

@Suite struct ReplyEncoderTests {
  @Test func everything() throws {
    let rejection = Rejection(.quotaExceeded, "No room \"left\".", details: [.init("limit", .integer(3))])
    let charge = QuotaCharge(
      row: QuotaRow(
        key: QuotaKey(
          clientID: .nobody, contractID: nil, locationID: LocationID(18), instanceTypeID: InstanceTypeID(126)), limit: 3
      ),
      used: 2)
    let reply = Reply(
      command: .allocate, operation: "job 7", outcome: .rejected, isDuplicate: true,
      server: StateDocument.encode(
        Written.server(.new, name: nil), OperationFacts(command: .enroll), allocation: .none),
      current: Reply.Current(state: .isolated, version: 9), quota: QuotaPart.encode(charge),
      eventIDs: [Written.id, Written.store], deadLetterID: Written.id, error: ErrorPart.encode(rejection))
    try Written.expect(
      ReplyEncoder.encode(reply),
      is: #"{"command":"allocate","operationUuid":"job 7","outcome":"rejected","duplicate":true,"#
        + #""server":{"serverId":42,"version":7,"state":"new","previousState":"available","locationId":18,"#
        + #""instanceTypeId":126,"command":"enroll"},"current":{"state":"isolated","version":9},"#
        + #""quota":{"clientId":0,"locationId":18,"instanceTypeId":126,"quotaType":"onDemand","limit":3,"used":2},"#
        + #""eventIds":["\#(Written.idText)","11111111-2222-4333-8444-555555555555"],"deadLetterId":"\#(Written.idText)","#
        + #""error":{"code":"quota-exceeded","message":"No room \"left\".","retry":"later","details":{"limit":3}}}"#)
  }

  @Test func whatIsAbsentIsLeftOut() {
    let bytes = ReplyEncoder.encode(Reply(command: .setQuota, outcome: .applied))
    #expect(String(decoding: bytes, as: UTF8.self) == #"{"command":"set-quota","outcome":"applied","duplicate":false}"#)
  }

  @Test func storedPartsAreNotTouched() {
    let stored = Array(#"{ "b":1,  "a":2 }"#.utf8)
    let bytes = ReplyEncoder.encode(
      Reply(command: .unisolate, outcome: .unchanged, server: stored, quota: stored, error: stored))
    #expect(
      String(decoding: bytes, as: UTF8.self)
        == #"{"command":"unisolate","outcome":"unchanged","duplicate":false,"server":{ "b":1,  "a":2 },"#
        + #""quota":{ "b":1,  "a":2 },"error":{ "b":1,  "a":2 }}"#)
  }

  @Test(arguments: RejectionCode.allCases) func errorsComeBack(_ code: RejectionCode) throws {
    let rejection = Rejection(
      code, "é \"\n",
      details: [.init("b", .list([.text("x"), .null])), .init("a", .fields([.init("c", .boolean(true))]))])
    #expect(try ErrorPart.decode(ErrorPart.encode(rejection)) == rejection)
  }

  @Test func quotasComeBack() throws {
    for contract in [nil, ContractID("JD-1")] {
      let key = QuotaKey(
        clientID: ClientID(9), contractID: contract, locationID: LocationID(1), instanceTypeID: InstanceTypeID(2))
      let charge = QuotaCharge(row: QuotaRow(key: key, limit: 32_767), used: 12)
      #expect(try QuotaPart.decode(QuotaPart.encode(charge)) == charge)
    }
  }

  @Test(arguments: [
    "", "[]", "{}", #"{"code":"x","message":"","details":{}}"#, #"{"code":"expired","message":1,"details":{}}"#,
    #"{"code":"expired","message":""}"#,
  ]) func otherBytesAreFaults(_ json: String) {
    #expect(throws: JSONFault.self) { try ErrorPart.decode(Array(json.utf8)) }
    #expect(throws: JSONFault.self) { try QuotaPart.decode(Array(json.utf8)) }
  }
}
